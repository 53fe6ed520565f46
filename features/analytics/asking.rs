//! What the tools that answer measures share: reading the period, and of what is asked.

use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::types::period::{Bounds, DateRange};

use crate::names::{Choice, all_chosen};
use crate::report::{Asked, Report, grain};

/// So many dimensions at once.
const MOST_DIMENSIONS: usize = 2;

/// By what a caller wants figures taken apart; none where nothing was said.
///
/// # Errors
/// [`Code::Validation`] naming `group_by` for what is unknown or too much.
pub(crate) fn dimensions(
    asked: Option<&[ShortText<60>]>,
    choices: &[Choice],
) -> Result<Option<Vec<&'static str>>> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(None);
    };
    let by = all_chosen("group_by", asked, choices, MOST_DIMENSIONS)?;
    if by.iter().filter(|name| grain(name).is_some()).count() > 1 {
        let message = "group_by takes one of week, month, quarter and year.";
        return Err(Error::invalid("group_by", message));
    }
    Ok(Some(by))
}

/// Which days, and whose records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) period: Option<&'a DateRange>,
    /// The period where none was said.
    pub(crate) usual: &'static str,
    pub(crate) owner: Option<Id<Member>>,
}

impl Scope<'_> {
    /// The first and the last day.
    ///
    /// # Errors
    /// As [`Cx::period`].
    pub(crate) async fn bounds(&self, cx: &mut Cx) -> Result<Bounds> {
        match self.period {
            Some(period) => cx.period("period", period).await,
            None => {
                let usual: DateRange = self.usual.parse().map_err(Error::internal)?;
                cx.period("period", &usual).await
            }
        }
    }

    /// What measures come to.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub(crate) async fn report(
        &self,
        cx: &mut Cx,
        measures: Vec<&'static str>,
        are_named: bool,
        by: Vec<&'static str>,
    ) -> Result<Report> {
        let asked = Asked {
            measures,
            are_named,
            by,
            bounds: self.bounds(cx).await?,
            owner: self.owner,
            filters: Vec::new(),
        };
        let mut rates = rates_of(cx, asked.bounds).await?;
        Report::of(cx, &asked, &mut rates).await
    }
}

/// The rates of a period, and of today.
///
/// # Errors
/// What the database says.
pub(crate) async fn rates_of(cx: &mut Cx, (from, to): Bounds) -> Result<Rates> {
    let today = cx.today();
    let last = to.map_or(today, |to| to.max(today));
    cx.rates(from.map(|from| from.min(today)), last).await
}
