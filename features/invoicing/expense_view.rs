//! Expenses as tools answer them: with the names of what they refer to, and amounts in their currency's digits.

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::expense::{Expense, ExpenseStatus};
use crate::payment::Method;

/// An expense.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExpenseView {
    id: Id<Expense>,
    description: ShortText<300>,
    category: ShortText<50>,
    status: ExpenseStatus,
    /// With tax.
    amount: Money,
    currency: Currency,
    /// Tax in the amount.
    tax_amount: Option<Money>,
    spent_on: NaiveDate,
    vendor: Option<ShortText<200>>,
    company: Option<Named<Company>>,
    owner: Option<Named<Member>>,
    method: Option<Method>,
    reference: Option<ShortText<100>>,
    billable: bool,
    notes: Option<LongText<2000>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ExpenseView {
    /// Without what may be long: a list of a hundred has to stay readable.
    pub(crate) fn in_short(mut self) -> Self {
        self.notes = None;
        self
    }
}

/// The same expenses with everything by name.
pub(crate) async fn views(cx: &mut Cx, expenses: Vec<Saved<Expense>>) -> Result<Vec<ExpenseView>> {
    let companies = cx
        .names(expenses.iter().filter_map(|saved| saved.company))
        .await?;
    let owners = cx
        .names(expenses.iter().filter_map(|saved| saved.owner))
        .await?;
    let view = |saved: Saved<Expense>| {
        let expense = saved.record;
        let currency = expense.currency;
        let money = |amount: Amount| Money { amount, currency };
        ExpenseView {
            id: saved.id,
            description: expense.description,
            category: expense.category,
            status: expense.status,
            amount: money(expense.amount),
            currency,
            tax_amount: expense.tax_amount.map(money),
            spent_on: expense.spent_on,
            vendor: expense.vendor,
            company: expense.company.map(|id| companies.of(id)),
            owner: expense.owner.map(|id| owners.of(id)),
            method: expense.method,
            reference: expense.reference,
            billable: expense.billable,
            notes: expense.notes,
            attributes: saved.attributes,
            version: saved.version,
            created_at: saved.created_at,
            updated_at: saved.updated_at,
        }
    };
    Ok(expenses.into_iter().map(view).collect())
}

/// One expense with everything by name.
pub(crate) async fn view(cx: &mut Cx, expense: Saved<Expense>) -> Result<ExpenseView> {
    let views = views(cx, vec![expense]).await?;
    views
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("an expense has one view"))
}
