//! The paper: its size and margins, where the next thing goes, and when a new page begins.

use super::canvas::{Canvas, Colour, INK, Mark, Place, Role, SOFT};
use super::labels::Labels;
use super::text::{Line, Style, Typesetter};
use crate::Document;

/// Points in a millimetre.
pub(super) const MM: f32 = 72.0 / 25.4;

/// Where the body of the second and each later page begins.
const LATER_TOP: f32 = 22.0 * MM;
/// The foot of a page ends so far above its edge.
pub(super) const FOOT: f32 = 11.0 * MM;

/// Text in the usual size.
pub(super) const BODY: Style = Style {
    size: 9.0,
    bold: false,
    colour: INK,
};
/// The same, bold.
pub(super) const STRONG: Style = Style { bold: true, ..BODY };
/// Text beside it.
pub(super) const SMALL: Style = Style {
    size: 8.0,
    bold: false,
    colour: SOFT,
};

/// Where a line stands between two edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Where lines begin: at the left, and at the right where they are read from right to left.
    Start,
    /// Where they end.
    End,
    /// At the right in any language, so that figures stand digit below digit.
    Figures,
}

/// The pages that are being written, and what they are written from.
pub(super) struct Sheet<'a, 'f> {
    pub(super) document: &'a Document,
    pub(super) labels: &'static Labels,
    pub(super) setter: &'a Typesetter<'f>,
    pub(super) canvas: Canvas<'f>,
    /// The margin at which lines begin, and the one at which they end: on a mirrored page at the right and at the left.
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) height: f32,
    /// Where the body of a page ends.
    pub(super) bottom: f32,
    /// Where the next thing goes.
    pub(super) y: f32,
}

impl<'a, 'f> Sheet<'a, 'f> {
    /// An empty first page, with so much room at the foot of each. The paper is that of the seller's country.
    pub(super) fn new(
        document: &'a Document,
        labels: &'static Labels,
        setter: &'a Typesetter<'f>,
    ) -> Self {
        let (width, height) = paper(document.seller.country.as_deref());
        Self {
            document,
            labels,
            setter,
            canvas: Canvas::new(width, height, labels.is_rtl),
            left: 25.0 * MM,
            right: width - 20.0 * MM,
            height,
            bottom: height - FOOT,
            y: 12.0 * MM,
        }
    }

    /// From margin to margin.
    pub(super) const fn width(&self) -> f32 {
        self.right - self.left
    }

    /// What is left of this page.
    pub(super) const fn room(&self) -> f32 {
        self.bottom - self.y
    }

    /// What a fresh page holds.
    pub(super) const fn whole(&self) -> f32 {
        self.bottom - LATER_TOP
    }

    /// Begins a new page.
    pub(super) fn turn(&mut self) {
        self.canvas.turn();
        self.y = LATER_TOP;
    }

    /// Whether nothing stands on this page yet.
    pub(super) const fn is_fresh(&self) -> bool {
        self.y <= LATER_TOP
    }

    /// Begins a new page when this one has no room for something of that height, unless it is a fresh one.
    pub(super) fn need(&mut self, height: f32) {
        if height > self.room() && !self.is_fresh() {
            self.turn();
        }
    }

    /// Leaves some room, unless at the top of a page.
    pub(super) fn skip(&mut self, height: f32) {
        if !self.is_fresh() {
            self.y += height;
        }
    }

    /// Draws a line of text between two edges, its top at `y`.
    pub(super) fn put(
        &mut self,
        place: Place,
        line: Line<'f>,
        (left, right): (f32, f32),
        align: Align,
        y: f32,
    ) {
        let is_at_start = match align {
            Align::Start => true,
            Align::End => false,
            Align::Figures => self.labels.is_rtl,
        };
        let x = if is_at_start {
            left
        } else {
            right - line.width
        };
        let y = y + line.style.ascent();
        self.canvas.mark(place, Mark::Text { x, y, line });
    }

    /// Draws lines of text one below the other, the first with its top at `y`. Answers where they end.
    pub(super) fn column(
        &mut self,
        place: Place,
        lines: Vec<Line<'f>>,
        edges: (f32, f32),
        align: Align,
        mut y: f32,
    ) -> f32 {
        for line in lines {
            let leading = line.style.leading();
            self.put(place, line, edges, align, y);
            y += leading;
        }
        y
    }

    /// Draws a rule or a background.
    pub(super) fn bar(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        self.canvas.mark(
            Place::Ornament,
            Mark::Bar {
                x,
                y,
                width,
                height,
                colour,
            },
        );
    }

    /// A paragraph from margin to margin, over as many pages as it needs. Its first line does not stand alone at the foot of
    /// a page.
    pub(super) fn paragraph(&mut self, text: &str, style: Style) {
        let part = self.canvas.part(Role::Paragraph);
        let lines = self.setter.wrap(text, style, self.width());
        let leading = style.leading();
        let edges = (self.left, self.right);
        if lines.len() > 1 {
            self.need(2.0 * leading);
        }
        for line in lines {
            self.need(leading);
            let y = self.y;
            self.put(Place::Part(part), line, edges, Align::Start, y);
            self.y += leading;
        }
    }
}

/// The height of lines that stand one below the other.
pub(super) fn height(lines: &[Line<'_>]) -> f32 {
    lines.iter().map(|line| line.style.leading()).sum()
}

/// The paper of a country: US Letter where that is the standard, else A4.
fn paper(country: Option<&str>) -> (f32, f32) {
    match country {
        Some(
            "US" | "CA" | "MX" | "PR" | "CL" | "CO" | "CR" | "DO" | "GT" | "NI" | "PA" | "PH"
            | "SV" | "VE",
        ) => (612.0, 792.0),
        _ => (210.0 * MM, 297.0 * MM),
    }
}
