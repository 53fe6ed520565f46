//! Passages: a document in Markdown cut at its headings, and where there is much under one, between its paragraphs.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Bytes of a passage after which the next block begins another one: a few paragraphs, which answer one question.
const ENOUGH: usize = 900;
/// Bytes of the longest block that is not cut in two.
const LONGEST: usize = 2_400;
/// Most passages of a document; the last one has all the rest.
const MOST: usize = 2_000;

/// A part of a document that answers for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The headings under which it stands, the highest first.
    pub headings: Vec<String>,
    /// What it says, without marks.
    pub text: String,
    /// Where it stands in the Markdown, its own heading included.
    pub range: Range<usize>,
}

/// A paragraph, a list's entry, a table and the like.
struct Block {
    text: String,
    range: Range<usize>,
}

/// The passages of a document in their order, at least one.
#[must_use]
pub fn cut(markdown: &str) -> Vec<Passage> {
    let mut cutter = Cutter::default();
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        cutter.take(markdown, event, range);
    }
    cutter.end_section(markdown);
    if cutter.passages.is_empty() {
        let headings = cutter.path.into_iter().map(|(_, heading)| heading);
        cutter.passages.push(Passage {
            headings: headings.collect(),
            text: String::new(),
            range: 0..markdown.len(),
        });
    }
    cutter.passages
}

#[derive(Default)]
struct Cutter {
    passages: Vec<Passage>,
    /// The headings above, with their levels.
    path: Vec<(HeadingLevel, String)>,
    /// The heading that is being read.
    heading: Option<String>,
    /// Where the heading of the section began whose first passage is still to come.
    heading_at: Option<usize>,
    /// How deep in blocks.
    depth: usize,
    /// Text of the block that is being read, and where it began.
    text: String,
    began: Option<usize>,
    blocks: Vec<Block>,
}

impl Cutter {
    fn take(&mut self, markdown: &str, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) if self.depth == 0 => {
                self.end_section(markdown);
                self.path.retain(|(above, _)| *above < level);
                self.heading = Some(String::new());
                self.heading_at = Some(range.start);
            }
            Event::End(TagEnd::Heading(level)) if self.depth == 0 => {
                let heading = self.heading.take().unwrap_or_default();
                let heading = heading.split_whitespace().collect::<Vec<_>>().join(" ");
                self.path.push((level, heading));
            }
            Event::Start(tag) if is_block(&tag) => {
                self.began.get_or_insert(range.start);
                self.depth += 1;
            }
            Event::End(end) if is_block_end(end) => {
                self.depth = self.depth.saturating_sub(1);
                self.say(" ");
                // An entry of a list that stands by itself ends like a paragraph.
                if self.depth == 0 || (self.depth == 1 && end == TagEnd::Item) {
                    self.end_block(range.end);
                }
            }
            Event::Text(text) | Event::Code(text) => self.say(&text),
            Event::SoftBreak | Event::HardBreak | Event::Rule => self.say(" "),
            _ => {}
        }
    }

    fn say(&mut self, text: &str) {
        self.heading
            .as_mut()
            .unwrap_or(&mut self.text)
            .push_str(text);
    }

    fn end_block(&mut self, end: usize) {
        let text = std::mem::take(&mut self.text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(began) = self.began.take()
            && !text.is_empty()
        {
            self.blocks.push(Block {
                text,
                range: began..end,
            });
        }
    }

    /// Makes passages of what was read since the last heading.
    fn end_section(&mut self, markdown: &str) {
        self.text.clear();
        self.began = None;
        let mut passage: Option<Block> = None;
        for block in std::mem::take(&mut self.blocks) {
            for block in pieces(markdown, block) {
                passage = match passage {
                    Some(mut open)
                        if open.text.len() + block.text.len() <= ENOUGH
                            || self.passages.len() + 1 >= MOST =>
                    {
                        open.text.push(' ');
                        open.text.push_str(&block.text);
                        open.range.end = block.range.end;
                        Some(open)
                    }
                    full => {
                        self.end_passage(full);
                        Some(block)
                    }
                };
            }
        }
        self.end_passage(passage);
        self.heading_at = None;
    }

    fn end_passage(&mut self, passage: Option<Block>) {
        let Some(Block { text, range }) = passage else {
            return;
        };
        let headings = self.path.iter().map(|(_, heading)| heading.clone());
        let start = self.heading_at.take().unwrap_or(range.start);
        self.passages.push(Passage {
            headings: headings.filter(|heading| !heading.is_empty()).collect(),
            text,
            range: start..range.end,
        });
    }
}

const fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}

const fn is_block_end(end: TagEnd) -> bool {
    !matches!(
        end,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}

/// A block that is too long in pieces, cut between words.
fn pieces(markdown: &str, block: Block) -> Vec<Block> {
    if block.text.len() <= LONGEST {
        return vec![block];
    }
    let source = markdown.get(block.range.clone()).unwrap_or_default();
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(rest) = source.get(start..).filter(|rest| !rest.is_empty()) {
        let full = rest.char_indices().find(|(at, _)| *at >= ENOUGH);
        let end = full.map_or(rest.len(), |(at, _)| {
            let after = rest.get(at..).unwrap_or_default();
            // A text without spaces is cut all the same.
            let space = after
                .find(char::is_whitespace)
                .filter(|space| *space < ENOUGH);
            at + space.unwrap_or(0)
        });
        let text = rest.get(..end).unwrap_or_default();
        pieces.push(Block {
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            range: block.range.start + start..block.range.start + start + end,
        });
        start += end;
    }
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(markdown: &str) -> Vec<String> {
        let passages = cut(markdown).into_iter();
        let shown = passages.map(|passage| {
            let source = markdown.get(passage.range).unwrap_or("out of range");
            format!(
                "{}|{}|{}",
                passage.headings.join(" > "),
                passage.text,
                source.trim()
            )
        });
        shown.collect()
    }

    #[test]
    fn a_document_is_cut_at_its_headings_and_keeps_their_path() {
        let text = "Before.\n\n# Leave\n\nAsk *early*.\n\n## Sick `leave`\n\n- call\n- write\n\n## Parents\n\n### Fathers\n\nTwo months.\n\n# Pay\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(
            short(text),
            [
                "|Before.|Before.",
                "Leave|Ask early.|# Leave\n\nAsk *early*.",
                "Leave > Sick leave|call write|## Sick `leave`\n\n- call\n- write",
                "Leave > Parents > Fathers|Two months.|### Fathers\n\nTwo months.",
                "Pay|a b 1 2|# Pay\n\n| a | b |\n|---|---|\n| 1 | 2 |",
            ]
        );
    }

    #[test]
    fn much_under_one_heading_is_cut_between_paragraphs() {
        let paragraph = "word ".repeat(120);
        let text = format!("# One\n\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n");
        let passages = cut(&text);
        assert_eq!(passages.len(), 3);
        assert!(passages.iter().all(|passage| passage.headings == ["One"]));
        assert!(passages[0].range.start == 0 && passages[1].range.start > 0);
    }

    #[test]
    fn one_paragraph_without_end_is_cut_too_and_nothing_of_it_is_lost() {
        for word in ["wörd ", "ö"] {
            let text = word.repeat(5_000);
            let passages = cut(&text);
            assert!(passages.len() > 5);
            let joined: String = passages
                .iter()
                .map(|passage| passage.text.as_str())
                .collect();
            let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            assert_eq!(plain(&joined), plain(&text));
            assert!(
                passages
                    .iter()
                    .all(|passage| text.get(passage.range.clone()).is_some())
            );
        }
    }

    #[test]
    fn there_is_always_one() {
        for text in ["", "   ", "# Only a heading", "![](x.png)"] {
            assert_eq!(cut(text).len(), 1, "{text:?}");
        }
        assert_eq!(cut("# Only a heading")[0].headings, ["Only a heading"]);
    }
}
