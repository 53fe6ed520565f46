//! The fonts that are not built in: a folder of the owner's, and those of the system.

use std::path::Path;
use std::sync::OnceLock;

use fontdb::{Database, FaceInfo, Style};
use rustybuzz::ttf_parser;

use super::fonts::{Face, Typeface};

/// What there is, found once. A face is read when a character of it is drawn.
pub(super) struct Installed {
    database: Database,
    candidates: Vec<Candidate>,
}

struct Candidate {
    id: fontdb::ID,
    /// The characters that it has, as sorted ranges that do not touch, both ends included.
    ranges: Vec<(u32, u32)>,
    typeface: OnceLock<Option<Typeface>>,
}

impl Installed {
    /// Looks what characters each font has: those in `folder` first, then the system's, plain ones before others.
    pub(super) fn scan(folder: Option<&Path>) -> Self {
        let mut database = Database::new();
        if let Some(folder) = folder {
            database.load_fonts_dir(folder);
        }
        let own = database.len();
        database.load_system_fonts();
        let mut faces: Vec<(usize, &FaceInfo)> = database.faces().enumerate().collect();
        faces.sort_by_cached_key(|(place, face)| {
            (
                *place >= own,
                face.style != Style::Normal,
                face.monospaced,
                face.weight.0.abs_diff(fontdb::Weight::NORMAL.0),
                face.post_script_name.clone(),
            )
        });
        let candidates = faces
            .into_iter()
            .filter_map(|(_, face)| {
                let ranges = database.with_face_data(face.id, ranges)?;
                Some(Candidate {
                    id: face.id,
                    ranges,
                    typeface: OnceLock::new(),
                })
            })
            .collect();
        Self {
            database,
            candidates,
        }
    }

    /// The typeface that draws `character`.
    pub(super) fn having(&self, character: char) -> Option<&Typeface> {
        self.candidates
            .iter()
            .filter(|candidate| candidate.has(character))
            .find_map(|candidate| {
                candidate
                    .typeface
                    .get_or_init(|| {
                        let face = self
                            .database
                            .with_face_data(candidate.id, |data, index| {
                                Face::read(data.to_vec(), index)
                            })
                            .flatten();
                        face.map(Typeface::single)
                    })
                    .as_ref()
            })
    }
}

impl Candidate {
    fn has(&self, character: char) -> bool {
        let code = u32::from(character);
        let after = self.ranges.partition_point(|&(first, _)| first <= code);
        after
            .checked_sub(1)
            .and_then(|before| self.ranges.get(before))
            .is_some_and(|&(_, last)| code <= last)
    }
}

/// The characters that a face has; empty when it cannot be read.
fn ranges(data: &[u8], index: u32) -> Vec<(u32, u32)> {
    let Ok(face) = ttf_parser::Face::parse(data, index) else {
        return Vec::new();
    };
    let mut codes = Vec::new();
    for table in face.tables().cmap.iter().flat_map(|cmap| cmap.subtables) {
        if table.is_unicode() {
            table.codepoints(|code| {
                if table.glyph_index(code).is_some_and(|glyph| glyph.0 != 0) {
                    codes.push(code);
                }
            });
        }
    }
    codes.sort_unstable();
    codes.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for code in codes {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(code) => *last = code,
            _ => ranges.push((code, code)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_font_of_the_folder_is_found_by_its_characters() {
        let folder = tempfile::tempdir().unwrap();
        let khmer = include_bytes!("../fonts/NotoSansKhmer-Regular.ttf.gz");
        let mut font = Vec::new();
        GzDecoder::new(&khmer[..]).read_to_end(&mut font).unwrap();
        std::fs::write(folder.path().join("khmer.ttf"), font).unwrap();
        let installed = Installed::scan(Some(folder.path()));
        let typeface = installed.having('ក').unwrap();
        assert!(typeface.has('ខ') && !typeface.has('A'));
        // Not assigned: no font has it.
        assert!(installed.having('\u{378}').is_none());
    }
}
