//! What stands where on the pages, and what part of the document it is: drawn when everything has its place.
//!
//! All measures are points from the upper corner of the page at which lines begin: the left one, and on a page that is mirrored,
//! which is read from right to left, the right one. The parts become the tags of the PDF, so that it can be read
//! aloud and its tables be taken out as tables.

use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, TableHeaderScope, Tag, TagGroup, TagKind,
    TagTree, WritingMode,
};

use super::text::{Line, Piece};
use crate::Error;

/// A colour (sRGB).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour(u8, u8, u8);

/// Text.
pub(super) const INK: Colour = Colour(0x1b, 0x22, 0x2c);
/// Text of less weight; light, and still of enough contrast to be read.
pub(super) const SOFT: Colour = Colour(0x59, 0x63, 0x70);
/// Rules.
pub(super) const RULE: Colour = Colour(0xd3, 0xd8, 0xde);
/// Backgrounds.
pub(super) const WASH: Colour = Colour(0xf1, 0xf4, 0xf7);

/// Something that is drawn.
pub(super) enum Mark<'f> {
    /// A line of text, by the end of its baseline at which lines begin.
    Text { x: f32, y: f32, line: Line<'f> },
    /// A rule, or a background.
    Bar {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
    /// The dark ones of rows of squares, in black.
    Squares {
        x: f32,
        y: f32,
        side: f32,
        rows: Vec<Vec<bool>>,
    },
    /// A picture.
    Picture {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        image: Image,
    },
}

/// What a mark belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A part of the document.
    Part(Part),
    /// Nothing: it is there for the eye.
    Ornament,
    /// The head of a page.
    Head,
    /// The foot of a page.
    Foot,
}

/// A part of the document, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part(usize);

/// What a part is.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// The title, with its text.
    Title(String),
    Paragraph,
    /// A picture, with what it shows in words.
    Figure(String),
    Table,
    TableHead,
    TableBody,
    Row,
    /// The head of a column.
    ColumnHead,
    /// The head of a row.
    RowHead,
    Cell,
}

struct Node {
    role: Role,
    children: Vec<usize>,
}

/// The pages so far.
pub(super) struct Canvas<'f> {
    width: f32,
    height: f32,
    mirrored: bool,
    pages: Vec<Vec<(Place, Mark<'f>)>>,
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

impl<'f> Canvas<'f> {
    /// One empty page of that size.
    pub(super) fn new(width: f32, height: f32, mirrored: bool) -> Self {
        Self {
            width,
            height,
            mirrored,
            pages: vec![Vec::new()],
            nodes: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// How many pages there are.
    pub(super) const fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Adds an empty page.
    pub(super) fn turn(&mut self) {
        self.pages.push(Vec::new());
    }

    /// A new part, after those that are there.
    pub(super) fn part(&mut self, role: Role) -> Part {
        let number = self.nodes.len();
        self.nodes.push(Node {
            role,
            children: Vec::new(),
        });
        self.roots.push(number);
        Part(number)
    }

    /// A new part within another.
    pub(super) fn part_of(&mut self, parent: Part, role: Role) -> Part {
        let number = self.nodes.len();
        self.nodes.push(Node {
            role,
            children: Vec::new(),
        });
        if let Some(parent) = self.nodes.get_mut(parent.0) {
            parent.children.push(number);
        }
        Part(number)
    }

    /// Puts a mark on the last page.
    pub(super) fn mark(&mut self, place: Place, mark: Mark<'f>) {
        self.mark_on(self.pages.len().saturating_sub(1), place, mark);
    }

    /// Puts a mark on a page, by its number from 0.
    pub(super) fn mark_on(&mut self, page: usize, place: Place, mut mark: Mark<'f>) {
        if self.mirrored {
            let (x, width) = mark.extent();
            *x = self.width - *x - width;
        }
        if let Some(page) = self.pages.get_mut(page) {
            page.push((place, mark));
        }
    }

    /// Draws everything.
    pub(super) fn draw(&self, pdf: &mut krilla::Document) -> Result<(), Error> {
        let mut drawn: Vec<Vec<Identifier>> = vec![Vec::new(); self.nodes.len()];
        for marks in &self.pages {
            let settings = PageSettings::from_wh(self.width, self.height)
                .ok_or_else(|| Error::Internal("the page has no size".to_owned()))?;
            let mut page = pdf.start_page_with(settings);
            let mut surface = page.surface();
            for group in marks.chunk_by(|(one, _), (other, _)| one == other) {
                let Some(&(place, _)) = group.first() else {
                    continue;
                };
                let identifier = surface.start_tagged(match place {
                    Place::Part(_) => ContentTag::Other,
                    Place::Ornament => artifact(ArtifactType::Layout),
                    Place::Head => artifact(ArtifactType::Header),
                    Place::Foot => artifact(ArtifactType::Footer),
                });
                if let Place::Part(Part(number)) = place
                    && let Some(identifiers) = drawn.get_mut(number)
                {
                    identifiers.push(identifier);
                }
                for (_, mark) in group {
                    mark.draw(&mut surface);
                }
                surface.end_tagged();
            }
            surface.finish();
            page.finish();
        }
        let mut tree = TagTree::new();
        for &root in &self.roots {
            if let Some(group) = self.group(root, &drawn)? {
                tree.push(group);
            }
        }
        pdf.set_tag_tree(tree);
        Ok(())
    }

    /// The tags of a part and what is in it; none when nothing of it was drawn.
    fn group(&self, number: usize, drawn: &[Vec<Identifier>]) -> Result<Option<TagGroup>, Error> {
        let Some(node) = self.nodes.get(number) else {
            return Ok(None);
        };
        let mut tag = node.role.tag();
        // What is in the part inherits it.
        if self.mirrored && self.roots.contains(&number) {
            tag.set_writing_mode(Some(WritingMode::RlTb));
        }
        let mut group = TagGroup::new(tag);
        for &identifier in drawn.get(number).into_iter().flatten() {
            group.push(identifier);
        }
        for &child in &node.children {
            if let Some(child) = self.group(child, drawn)? {
                group.push(child);
            }
        }
        Ok((!group.children.is_empty()).then_some(group))
    }
}

impl Role {
    fn tag(&self) -> TagKind {
        match self {
            Self::Title(text) => Tag::Hn(NonZeroU16::MIN, Some(text.clone())).into(),
            Self::Paragraph => Tag::P.into(),
            Self::Figure(text) => Tag::Figure(Some(text.clone())).into(),
            Self::Table => Tag::Table.into(),
            Self::TableHead => Tag::THead.into(),
            Self::TableBody => Tag::TBody.into(),
            Self::Row => Tag::TR.into(),
            Self::ColumnHead => Tag::TH(TableHeaderScope::Column).into(),
            Self::RowHead => Tag::TH(TableHeaderScope::Row).into(),
            Self::Cell => Tag::TD.into(),
        }
    }
}

impl Mark<'_> {
    /// Where it begins, and how wide it is.
    fn extent(&mut self) -> (&mut f32, f32) {
        match self {
            Self::Text { x, line, .. } => (x, line.width),
            Self::Bar { x, width, .. } | Self::Picture { x, width, .. } => (x, *width),
            Self::Squares { x, side, rows, .. } => {
                let squares = rows.first().map_or(0, Vec::len);
                (x, *side * squares as f32)
            }
        }
    }

    fn draw(&self, surface: &mut Surface<'_>) {
        match self {
            Self::Text { x, y, line } => {
                let size = line.style.size;
                surface.set_fill(Some(fill(line.style.colour)));
                let mut end = *x;
                let placed = line.pieces.iter().map(|piece| {
                    let start = end;
                    end += piece.width * size;
                    (start, piece)
                });
                // They are drawn in the order in which they are read, which is that of the tags, wherever they stand.
                let mut pieces: Vec<(f32, &Piece<'_>)> = placed.collect();
                pieces.sort_by_key(|(_, piece)| piece.place());
                for (x, piece) in pieces {
                    surface.set_stroke(piece.embolden.then(|| Stroke {
                        paint: paint(line.style.colour).into(),
                        width: size / 30.0,
                        ..Stroke::default()
                    }));
                    surface.draw_glyphs(
                        Point::from_xy(x, *y),
                        &piece.glyphs,
                        piece.face.pdf.clone(),
                        &piece.text,
                        size,
                        false,
                    );
                }
                surface.set_stroke(None);
            }
            Self::Bar {
                x,
                y,
                width,
                height,
                colour,
            } => {
                let mut path = PathBuilder::new();
                if let Some(bar) = Rect::from_xywh(*x, *y, *width, *height) {
                    path.push_rect(bar);
                }
                if let Some(path) = path.finish() {
                    surface.set_fill(Some(fill(*colour)));
                    surface.draw_path(&path);
                }
            }
            Self::Squares { x, y, side, rows } => {
                let mut path = PathBuilder::new();
                for (row, squares) in (0_u16..).zip(rows) {
                    let top = y + f32::from(row) * side;
                    let mut left = 0_u16;
                    // Neighbours are one bar, so that no gap shows between them.
                    for run in squares.chunk_by(|one, other| one == other) {
                        let length = u16::try_from(run.len()).unwrap_or(u16::MAX);
                        if run.first() == Some(&true)
                            && let Some(bar) = Rect::from_xywh(
                                x + f32::from(left) * side,
                                top,
                                f32::from(length) * side,
                                *side,
                            )
                        {
                            path.push_rect(bar);
                        }
                        left = left.saturating_add(length);
                    }
                }
                if let Some(path) = path.finish() {
                    surface.set_fill(Some(fill(Colour(0, 0, 0))));
                    surface.draw_path(&path);
                }
            }
            Self::Picture {
                x,
                y,
                width,
                height,
                image,
            } => {
                if let Some(size) = Size::from_wh(*width, *height) {
                    surface.push_transform(&Transform::from_translate(*x, *y));
                    surface.draw_image(image.clone(), size);
                    surface.pop();
                }
            }
        }
    }
}

fn artifact(kind: ArtifactType) -> ContentTag<'static> {
    ContentTag::Artifact(Artifact::with_kind(kind))
}

fn paint(Colour(red, green, blue): Colour) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(colour: Colour) -> Fill {
    Fill {
        paint: paint(colour).into(),
        ..Fill::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_on_a_mirrored_page_is_as_far_from_its_right_edge() {
        for (mirrored, [bar, squares]) in [(false, [10.0, 10.0]), (true, [70.0, 84.0])] {
            let mut canvas = Canvas::new(100.0, 100.0, mirrored);
            let (x, y) = (10.0, 5.0);
            let (width, height, colour) = (20.0, 1.0, RULE);
            canvas.mark(
                Place::Ornament,
                Mark::Bar {
                    x,
                    y,
                    width,
                    height,
                    colour,
                },
            );
            canvas.turn();
            let (side, rows) = (2.0, vec![vec![true; 3]; 3]);
            canvas.mark_on(0, Place::Ornament, Mark::Squares { x, y, side, rows });
            let marks = canvas.pages[0].iter_mut();
            let places: Vec<f32> = marks.map(|(_, mark)| *mark.extent().0).collect();
            assert_eq!(places, [bar, squares]);
        }
    }
}
