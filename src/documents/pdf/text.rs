//! From characters to lines of glyphs: which font draws what, in which direction, and where a line ends.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Script, ShapePlan, UnicodeBuffer};
use unicode_bidi::{Level, ParagraphBidiInfo};

use super::canvas::Colour;
use super::fonts::{Face, Fonts, Typeface};

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// In points.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) colour: Colour,
}

impl Style {
    /// From one baseline to the next, in points.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.36
    }

    /// From the top of a line to its baseline, in points.
    pub(super) fn ascent(self) -> f32 {
        self.size * 1.04
    }
}

/// One line, ready to be drawn.
#[derive(Clone)]
pub(super) struct Line<'f> {
    pub(super) style: Style,
    /// In points.
    pub(super) width: f32,
    /// From left to right.
    pub(super) pieces: Vec<Piece<'f>>,
}

/// Glyphs of one font that stand side by side.
#[derive(Clone)]
pub(super) struct Piece<'f> {
    pub(super) face: &'f Face,
    /// Whether its strokes must be made bolder.
    pub(super) embolden: bool,
    /// What the glyphs' ranges refer to.
    pub(super) text: Rc<str>,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// In ems.
    pub(super) width: f32,
}

impl Piece<'_> {
    /// Where in the text it begins.
    pub(super) fn place(&self) -> usize {
        let places = self.glyphs.iter().map(|glyph| glyph.text_range.start);
        places.min().unwrap_or_default()
    }
}

/// What sets the text of one document. Remembers which characters had no font.
pub(super) struct Typesetter<'f> {
    fonts: &'f Fonts,
    plans: RefCell<HashMap<Shaping, Rc<ShapePlan>>>,
    typefaces: RefCell<HashMap<char, Option<&'f Typeface>>>,
    missing: RefCell<BTreeSet<char>>,
}

/// What decides how text is shaped: the face, by where it lies, whether from right to left, and the script.
type Shaping = (*const Face, bool, Option<Script>);

/// A stretch of text in one font and direction.
struct Run<'f> {
    face: &'f Face,
    embolden: bool,
    level: Level,
    range: Range<usize>,
    /// As they stand on the page, from left to right.
    glyphs: Vec<KrillaGlyph>,
}

impl<'f> Typesetter<'f> {
    pub(super) fn new(fonts: &'f Fonts) -> Self {
        Self {
            fonts,
            plans: RefCell::default(),
            typefaces: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    /// The characters so far that are in no font.
    pub(super) fn missing(&self) -> String {
        self.missing.borrow().iter().take(10).collect()
    }

    /// The characters of a text that are in no font, at most ten. Nothing is set.
    pub(super) fn lacking(&self, text: &str) -> String {
        let mut previous = None;
        let mut lacking = BTreeSet::new();
        for character in clean(text).chars() {
            if character == '\n' || is_invisible(character) {
                continue;
            }
            match self.typeface(character, previous) {
                Some(typeface) => previous = Some(typeface),
                None => _ = lacking.insert(character),
            }
        }
        lacking.into_iter().take(10).collect()
    }

    /// Text on one line, whatever its width. Line breaks in it become spaces.
    pub(super) fn line(&self, text: &str, style: Style) -> Line<'f> {
        self.paragraph(&one_line(text), style, f32::INFINITY)
            .into_iter()
            .next()
            .unwrap_or(Line {
                style,
                width: 0.0,
                pieces: Vec::new(),
            })
    }

    /// Text in lines of at most `width` points; what has no place to break is broken anywhere.
    pub(super) fn wrap(&self, text: &str, style: Style, width: f32) -> Vec<Line<'f>> {
        let text = clean(text);
        text.trim_matches(|c: char| c.is_whitespace())
            .split('\n')
            .flat_map(|paragraph| self.paragraph(paragraph.trim_end(), style, width))
            .collect()
    }

    fn paragraph(&self, text: &str, style: Style, width: f32) -> Vec<Line<'f>> {
        let text: Rc<str> = text.into();
        let runs = self.runs(&text, style.bold);
        lines(&text, &runs, width / style.size)
            .into_iter()
            .map(|range| assemble(&text, &runs, &range, style))
            .collect()
    }

    /// The runs of a paragraph in the order of the text.
    fn runs(&self, text: &Rc<str>, bold: bool) -> Vec<Run<'f>> {
        // Nothing before the Hebrew block is written from right to left.
        let bidi = text
            .chars()
            .any(|c| c >= '\u{590}')
            .then(|| ParagraphBidiInfo::new(text, None));
        let base = bidi
            .as_ref()
            .map_or_else(Level::ltr, |info| info.paragraph_level);
        let mut runs: Vec<(&'f Typeface, Level, Range<usize>)> = Vec::new();
        for (at, character) in text.char_indices() {
            if is_invisible(character) {
                continue;
            }
            let level = bidi
                .as_ref()
                .and_then(|info| info.levels.get(at).copied())
                .unwrap_or(base);
            let end = at + character.len_utf8();
            let previous = runs.last().map(|(typeface, _, _)| *typeface);
            let Some(typeface) = self.typeface(character, previous) else {
                self.missing.borrow_mut().insert(character);
                continue;
            };
            match runs.last_mut() {
                Some((last, last_level, range))
                    if std::ptr::eq(*last, typeface) && *last_level == level && range.end == at =>
                {
                    range.end = end;
                }
                _ => runs.push((typeface, level, at..end)),
            }
        }
        runs.into_iter()
            .map(|(typeface, level, range)| {
                let (face, embolden) = typeface.face(bold);
                let glyphs = self.shape(face, text, range.clone(), level);
                Run {
                    face,
                    embolden,
                    level,
                    range,
                    glyphs,
                }
            })
            .collect()
    }

    /// The typeface for a character; one that joins to what stands before it, or is blank, stays with that one's if it can.
    fn typeface(&self, character: char, previous: Option<&'f Typeface>) -> Option<&'f Typeface> {
        if joins(character)
            && let Some(previous) = previous
            && previous.has(character)
        {
            return Some(previous);
        }
        // A private character means something else in each font, so none can stand for it in a document that is kept.
        if matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}') {
            return None;
        }
        *self
            .typefaces
            .borrow_mut()
            .entry(character)
            .or_insert_with(|| self.fonts.having(character))
    }

    fn shape(
        &self,
        face: &Face,
        text: &Rc<str>,
        range: Range<usize>,
        level: Level,
    ) -> Vec<KrillaGlyph> {
        let shaped = face.with(|tables| {
            let mut buffer = UnicodeBuffer::new();
            buffer.push_str(text.get(range.clone()).unwrap_or_default());
            buffer.guess_segment_properties();
            buffer.set_direction(if level.is_rtl() {
                Direction::RightToLeft
            } else {
                Direction::LeftToRight
            });
            let script = Some(buffer.script());
            let plan = Rc::clone(
                self.plans
                    .borrow_mut()
                    .entry((std::ptr::from_ref(face), level.is_rtl(), script))
                    .or_insert_with(|| {
                        Rc::new(ShapePlan::new(
                            tables,
                            buffer.direction(),
                            script,
                            buffer.language().as_ref(),
                            &[],
                        ))
                    }),
            );
            rustybuzz::shape_with_plan(tables, &plan, buffer)
        });
        let Some(shaped) = shaped else {
            return Vec::new();
        };
        let em = face.pdf.units_per_em();
        // Where each cluster starts in the text: it ends where the next one starts.
        let mut starts: Vec<usize> = shaped
            .glyph_infos()
            .iter()
            .map(|info| range.start + info.cluster as usize)
            .collect();
        starts.sort_unstable();
        starts.dedup();
        shaped
            .glyph_infos()
            .iter()
            .zip(shaped.glyph_positions())
            .map(|(info, position)| {
                let start = range.start + info.cluster as usize;
                let end = starts
                    .get(starts.partition_point(|&other| other <= start))
                    .copied()
                    .unwrap_or(range.end);
                let ems = |units: i32| units as f32 / em;
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    ems(position.x_advance),
                    ems(position.x_offset),
                    ems(position.y_offset),
                    ems(position.y_advance),
                    start..end,
                    None,
                )
            })
            .collect()
    }
}

/// The ranges of the lines of a paragraph, at most `width` ems wide each, without the blanks at their ends.
fn lines(text: &str, runs: &[Run<'_>], width: f32) -> Vec<Range<usize>> {
    // The clusters in the order of the text.
    let mut clusters: Vec<(usize, f32)> = Vec::new();
    for run in runs {
        let first = clusters.len();
        for glyph in &run.glyphs {
            clusters.push((glyph.text_range.start, glyph.x_advance));
        }
        if let Some(own) = clusters.get_mut(first..) {
            own.sort_by_key(|&(start, _)| start);
        }
    }
    let total: f32 = clusters.iter().map(|(_, advance)| advance).sum();
    if total <= width {
        return std::iter::once(0..text.len()).collect();
    }
    let mut breaks = unicode_linebreak::linebreaks(text)
        .map(|(at, _)| at)
        .peekable();
    let mut lines = Vec::new();
    let mut start = 0;
    // The last place where this line may end, and the width up to there.
    let mut allowed = None;
    let mut used = 0.0;
    let mut previous = 0;
    for (at, advance) in clusters {
        while let Some(place) = breaks.next_if(|&place| place <= at) {
            if place > start {
                allowed = Some((place, used));
            }
        }
        let blank = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(char::is_whitespace);
        // A cluster of several glyphs stays whole.
        if used + advance > width && !blank && at > start && at != previous {
            let (end, before) = allowed.take().unwrap_or((at, used));
            lines.push(start..end);
            start = end;
            used -= before;
        }
        used += advance;
        previous = at;
    }
    lines.push(start..text.len());
    lines
        .into_iter()
        .map(|range| {
            let kept = text.get(range.clone()).unwrap_or_default().trim_end();
            range.start..range.start + kept.len()
        })
        .collect()
}

/// The pieces of one line in the order in which they stand on the page.
fn assemble<'f>(text: &Rc<str>, runs: &[Run<'f>], range: &Range<usize>, style: Style) -> Line<'f> {
    let mut pieces = Vec::new();
    let mut levels = Vec::new();
    for run in runs {
        if run.range.end <= range.start || run.range.start >= range.end {
            continue;
        }
        let glyphs: Vec<KrillaGlyph> = run
            .glyphs
            .iter()
            .filter(|glyph| range.contains(&glyph.text_range.start))
            .cloned()
            .collect();
        if glyphs.is_empty() {
            continue;
        }
        let piece = |glyphs: &[KrillaGlyph]| {
            Some(Piece {
                face: run.face,
                embolden: run.embolden,
                text: Rc::clone(text),
                width: glyphs.iter().map(|glyph| glyph.x_advance).sum(),
                glyphs: glyphs.to_vec(),
            })
        };
        if run.level.is_rtl() {
            // Word by word, each with the blank before it: a file has the letters of each in their order on the page, and the
            // words in the order in which they are read (ISO 32000-2, 14.8.2.5.3).
            let is_blank = |glyph: &KrillaGlyph| {
                let text = text.get(glyph.text_range.clone()).unwrap_or_default();
                text.chars().all(char::is_whitespace)
            };
            let words = glyphs.chunk_by(|glyph, _| !is_blank(glyph));
            pieces.extend(words.rev().map(piece));
        } else {
            pieces.push(piece(&glyphs));
        }
        levels.resize(pieces.len(), run.level);
    }
    let pieces: Vec<Piece<'f>> = ParagraphBidiInfo::reorder_visual(&levels)
        .into_iter()
        .filter_map(|index| pieces.get_mut(index).and_then(Option::take))
        .collect();
    Line {
        style,
        width: pieces.iter().map(|piece| piece.width).sum::<f32>() * style.size,
        pieces,
    }
}

/// A value within a sentence, which keeps its own order there and changes nothing of what stands around it (UAX #9: an isolate
/// whose direction is that of its first letter, and from left to right where it has none).
pub(super) fn apart(value: &str) -> String {
    let inner = value.replace(['\u{2068}', '\u{2069}'], "");
    format!("\u{2068}{inner}\u{2069}")
}

/// The same text on one line and without control characters.
pub(super) fn one_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// The same text with one sort of line break and without control characters.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\t' => clean.push(' '),
            // What turns the direction around by force could make an amount read otherwise than it is. What sets a part apart
            // (FSI, PDI: `apart`) turns nothing around.
            '\u{202a}'..='\u{202e}' | '\u{2066}' | '\u{2067}' => {}
            _ if character.is_control() => {}
            _ => clean.push(character),
        }
    }
    clean
}

/// Whether a character takes no part in drawing, though it may in ordering and breaking.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{2068}' | '\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a character goes with the one before it.
fn joins(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{200c}' | '\u{200d}')
        || matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}' | '\u{3099}' | '\u{309a}')
}

#[cfg(test)]
mod tests {
    use super::super::canvas::INK;
    use super::*;

    const STYLE: Style = Style {
        size: 10.0,
        bold: false,
        colour: INK,
    };

    /// The characters of a line, from left to right.
    fn seen(line: &Line<'_>) -> String {
        line.pieces
            .iter()
            .flat_map(|piece| {
                piece
                    .glyphs
                    .iter()
                    .map(|glyph| &piece.text[glyph.text_range.clone()])
            })
            .collect()
    }

    fn wrapped(text: &str, width: f32) -> Vec<String> {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        let lines = setter.wrap(text, STYLE, width);
        assert!(lines.iter().all(|line| line.width <= width));
        lines.iter().map(seen).collect()
    }

    #[test]
    fn lines_break_between_words_and_end_without_blanks() {
        assert_eq!(
            wrapped("The quick brown fox jumps", 60.0),
            ["The quick", "brown fox", "jumps"]
        );
        assert_eq!(wrapped(" one\r\n\r\ntwo \n", 60.0), ["one", "", "two"]);
        assert_eq!(wrapped("", 60.0), [""]);
    }

    #[test]
    fn an_overlong_word_is_broken_and_nothing_of_it_is_lost() {
        let word = "Donaudampfschifffahrtsgesellschaft";
        let lines = wrapped(&format!("Die {word} AG"), 60.0);
        assert!(lines.len() > 3);
        assert_eq!(lines.concat(), format!("Die{word}AG"));
    }

    #[test]
    fn chinese_breaks_between_characters_but_not_before_a_comma() {
        let text = "高级橡木餐桌，配有四把椅子，适合家庭使用。";
        for width in [50.0_f32, 60.0, 70.0, 80.0] {
            let lines = wrapped(text, width);
            assert!(lines.len() > 2);
            assert!(!lines.iter().any(|line| line.starts_with(['，', '。'])));
            assert_eq!(lines.concat(), text);
        }
    }

    #[test]
    fn text_from_right_to_left_stands_in_its_order_on_the_page() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        let order = |text| seen(&setter.line(text, STYLE));
        assert_eq!(order("abc"), "abc");
        assert_eq!(order("אבג"), "גבא");
        assert_eq!(order("a אב b"), "a בא b");
        assert_eq!(order("אב 12 ג"), "ג 12 בא");
    }

    #[test]
    fn a_value_keeps_its_order_among_words_from_right_to_left() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        let order = |text: &str| seen(&setter.line(text, STYLE));
        for (value, word, turned) in [
            ("2026-0042", "فاتورة", "ةروتاف"),
            ("+971 4 555 0100", "هاتف", "فتاه"),
            ("−420.00", "הנחה", "החנה"),
            ("DE02 1203 0000", "חשבון", "ןובשח"),
            ("19%", "نسبة", "ةبسن"),
            ("Oak & Co. (Berlin)", "מאת", "תאמ"),
        ] {
            let text = format!("{word} {}", apart(value));
            assert_eq!(order(&text), format!("{value} {turned}"));
        }
        // Without it what stands before the number would turn it around.
        assert_eq!(order("فاتورة 2026-0042"), "0042-2026 ةروتاف");
        // A value that ends what sets it apart does so for nobody else.
        let text = format!("פה {}", apart("1\u{2069}-2"));
        assert_eq!(order(&text), "1-2 הפ");
    }

    #[test]
    fn each_line_of_text_from_right_to_left_is_ordered_by_itself() {
        assert_eq!(wrapped("אבגדהוזח טיכלמנסע", 60.0), ["חזוהדגבא", "עסנמלכיט"]);
    }

    #[test]
    fn what_turns_the_direction_by_force_is_left_out() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        assert_eq!(seen(&setter.line("1\u{202e}23\u{202c}4", STYLE)), "1234");
        assert_eq!(seen(&setter.line("a\u{0}b\u{ad}c\u{feff}", STYLE)), "abc");
        assert_eq!(setter.missing(), "");
    }

    #[test]
    fn names_of_the_world_have_glyphs() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        for name in [
            "Ελληνική Εταιρεία",
            "Українська компанія",
            "中文有限公司",
            "株式会社テスト",
            "한국 주식회사",
            "شركة الخليج",
            "חברה בע״מ",
            "हिन्दी क्षेत्रीय श्री",
            "บริษัท ไทย จำกัด",
            "Nguyễn Thị Ánh",
            "e\u{301}cole ọ\u{301}",
        ] {
            for bold in [false, true] {
                let line = setter.line(name, Style { bold, ..STYLE });
                assert!(line.width > 0.0);
                let glyphs = line.pieces.iter().flat_map(|piece| &piece.glyphs);
                for glyph in glyphs {
                    assert_ne!(glyph.glyph_id.to_u32(), 0, "{name}");
                }
            }
        }
        assert_eq!(setter.missing(), "");
    }

    #[test]
    fn characters_in_no_font_are_named() {
        let fonts = Fonts::new(None);
        let setter = Typesetter::new(&fonts);
        setter.line("a\u{e000}b\u{378}", STYLE);
        assert_eq!(setter.missing(), "\u{378}\u{e000}");
    }
}
