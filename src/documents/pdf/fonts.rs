//! The fonts: the built-in ones, and those of the owner and of the system for what the built-in ones lack.

use std::collections::{BTreeSet, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

use flate2::read::GzDecoder;
use krilla::Data;
use krilla::text::Font;
use rustybuzz::ttf_parser;

use super::installed::Installed;

/// Each built-in face: its file, the index in it, and the file of its bold where there is one. The first that has a character
/// draws it, so the order says what looks right: text is Noto Sans, and the large font of the Far East comes last.
static BUILT_IN: [(Packed, Option<Packed>); 17] = [
    (
        Packed::new(include_bytes!("../fonts/NotoSans-Regular.ttf.gz")),
        Some(Packed::new(include_bytes!("../fonts/NotoSans-Bold.ttf.gz"))),
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansArabic-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansHebrew-Regular.ttf.gz")),
        Some(Packed::new(include_bytes!(
            "../fonts/NotoSansHebrew-Bold.ttf.gz"
        ))),
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansArmenian-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansGeorgian-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansDevanagari-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansBengali-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansGurmukhi-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansGujarati-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansTamil-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansTelugu-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansKannada-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansMalayalam-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansThai-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansLao-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/NotoSansKhmer-Regular.ttf.gz")),
        None,
    ),
    (
        Packed::new(include_bytes!("../fonts/wqy-microhei.ttc.gz")),
        None,
    ),
];

/// The file of a font, packed by gzip: unpacked when it is first needed, and kept for as long as the program runs.
struct Packed {
    packed: &'static [u8],
    bytes: OnceLock<Vec<u8>>,
}

impl Packed {
    const fn new(packed: &'static [u8]) -> Self {
        Self {
            packed,
            bytes: OnceLock::new(),
        }
    }

    /// Its bytes; none where they are damaged, which a test rules out.
    fn bytes(&'static self) -> &'static [u8] {
        self.bytes.get_or_init(|| {
            let mut bytes = Vec::new();
            match GzDecoder::new(self.packed).read_to_end(&mut bytes) {
                Ok(_) => bytes,
                Err(_) => Vec::new(),
            }
        })
    }
}

/// The fonts that documents are drawn with: made once and shared, for the tables of the built-in ones are prepared here, each
/// when a character is looked for in it.
///
/// What none of the built-in ones has is looked for in a folder of the owner's and in the fonts of the system: not before a
/// document needs it, and once. That first document waits until all of these fonts were looked into, seconds where there are
/// hundreds.
pub struct Fonts {
    built_in: Vec<BuiltIn>,
    folder: Option<PathBuf>,
    installed: OnceLock<Installed>,
    /// The characters that were looked for.
    asked: RwLock<HashSet<char>>,
}

impl std::fmt::Debug for Fonts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fonts")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Fonts {
    /// The built-in fonts, and for what they lack those in `folder` (TrueType or OpenType files, at any depth) before those of
    /// the system.
    #[must_use]
    pub fn new(folder: Option<&Path>) -> Self {
        Self {
            built_in: BUILT_IN.iter().map(BuiltIn::new).collect(),
            folder: folder.map(Path::to_path_buf),
            installed: OnceLock::new(),
            asked: RwLock::default(),
        }
    }

    /// Looks for these characters, so that a document that has them waits for no font.
    pub fn ask(&self, characters: &BTreeSet<char>) {
        for character in characters {
            self.having(*character);
        }
        let mut asked = self.asked.write().unwrap_or_else(PoisonError::into_inner);
        asked.extend(characters);
    }

    /// Those of these characters that were not looked for yet.
    pub(super) fn unasked(&self, characters: impl Iterator<Item = char>) -> BTreeSet<char> {
        let asked = self.asked.read().unwrap_or_else(PoisonError::into_inner);
        characters.filter(|one| !asked.contains(one)).collect()
    }

    /// The characters of a text that no built-in font has.
    #[cfg(test)]
    pub(super) fn lacks(&self, text: &str) -> String {
        let built_in = self.built_in.iter().filter_map(BuiltIn::typeface);
        let has = |c: char| built_in.clone().any(|typeface| typeface.has(c));
        text.chars().filter(|c| !has(*c)).collect()
    }

    /// The typeface that draws `character`.
    pub(super) fn having(&self, character: char) -> Option<&Typeface> {
        self.built_in
            .iter()
            .filter_map(BuiltIn::typeface)
            .find(|typeface| typeface.has(character))
            .or_else(|| {
                self.installed
                    .get_or_init(|| Installed::scan(self.folder.as_deref()))
                    .having(character)
            })
    }
}

/// A typeface of the program's own, made when a character is first looked for in it: a document in one script needs one or two.
struct BuiltIn {
    files: &'static (Packed, Option<Packed>),
    typeface: OnceLock<Option<Typeface>>,
}

impl BuiltIn {
    const fn new(files: &'static (Packed, Option<Packed>)) -> Self {
        Self {
            files,
            typeface: OnceLock::new(),
        }
    }

    fn typeface(&self) -> Option<&Typeface> {
        let (regular, bold) = self.files;
        let made = self.typeface.get_or_init(|| {
            Some(Typeface {
                regular: Face::built_in(regular.bytes())?,
                bold: bold.as_ref().and_then(|bold| Face::built_in(bold.bytes())),
            })
        });
        made.as_ref()
    }
}

/// A face, and its bold where there is one.
pub(super) struct Typeface {
    pub(super) regular: Face,
    bold: Option<Face>,
}

impl Typeface {
    /// One that has no bold.
    pub(super) const fn single(regular: Face) -> Self {
        Self {
            regular,
            bold: None,
        }
    }

    /// Whether it draws `character`.
    pub(super) fn has(&self, character: char) -> bool {
        self.regular.has(character)
    }

    /// The face for that weight, and whether its strokes must be made bolder.
    pub(super) fn face(&self, bold: bool) -> (&Face, bool) {
        match &self.bold {
            Some(face) if bold => (face, false),
            _ => (&self.regular, bold),
        }
    }
}

/// One face of a font file, for the layout and for the PDF.
pub(super) struct Face {
    pub(super) pdf: Font,
    source: Source,
}

/// Where the tables that shape text are read from. Those of a built-in font are prepared once; those of another, which is rare,
/// each time.
enum Source {
    BuiltIn(Box<rustybuzz::Face<'static>>),
    File { data: Data, index: u32 },
}

impl Face {
    fn built_in(bytes: &'static [u8]) -> Option<Self> {
        Some(Self {
            pdf: Font::new(Data::from(bytes), 0)?,
            source: Source::BuiltIn(Box::new(rustybuzz::Face::from_slice(bytes, 0)?)),
        })
    }

    /// A face of a file that was read; none when it is no font, or one that may not be embedded.
    pub(super) fn read(bytes: Vec<u8>, index: u32) -> Option<Self> {
        let parsed = ttf_parser::Face::parse(&bytes, index).ok()?;
        if parsed.permissions() == Some(ttf_parser::Permissions::Restricted) {
            return None;
        }
        let data = Data::from(bytes);
        Some(Self {
            pdf: Font::new(data.clone(), index)?,
            source: Source::File { data, index },
        })
    }

    /// Does something with the tables that shape text.
    pub(super) fn with<T>(&self, action: impl FnOnce(&rustybuzz::Face<'_>) -> T) -> Option<T> {
        match &self.source {
            Source::BuiltIn(face) => Some(action(face)),
            Source::File { data, index } => {
                rustybuzz::Face::from_slice(data.as_ref(), *index).map(|face| action(&face))
            }
        }
    }

    fn has(&self, character: char) -> bool {
        self.with(|face| {
            face.glyph_index(character)
                .is_some_and(|glyph| glyph.0 != 0)
        })
        .unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_font_is_read_and_they_are_shared_between_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        let fonts = Fonts::new(None);
        for (place, built_in) in fonts.built_in.iter().enumerate() {
            let typeface = built_in.typeface();
            let bold = typeface.is_some_and(|typeface| typeface.bold.is_some());
            assert!(
                typeface.is_some() && bold == built_in.files.1.is_some(),
                "{place}"
            );
        }
        shared(&fonts);
    }

    #[test]
    fn the_scripts_of_most_of_the_world_need_no_installed_font() {
        let fonts = Fonts::new(None);
        let text = "Aäßœ Ελληνικά Кириллица Việt עברית العربية فارسی اردو हिन्दी বাংলা ਪੰਜਾਬੀ ગુજરાતી தமிழ் తెలుగు \
                    ಕನ್ನಡ മലയാളം ไทย ລາວ ខ្មែរ ქართული Հայերեն 中文 繁體 ひらがな カタカナ 한국어 € ₹ ₺ ₽ ₪ ₫ → ✓";
        assert_eq!(fonts.lacks(text), "");
    }
}
