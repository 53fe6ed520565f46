//! Expenses: what the firm itself spent.

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Exported, Order};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EXPENSES;
use crate::payment::Method;

bureau_kernel::record! {
    /// Something that the firm spent.
    pub struct Expense: "expense", "exp", "expense" {
        /// What for.
        pub description: ShortText<300> => [label, search, row, import("expense, title, purpose, subject, what for")],
        /// The kind of expense, such as travel or software.
        pub category: ShortText<50> = "Such as travel"
            => [search, filter, sort_by("sort_category"), row, import("expense category, expense type, type, kind")],
        /// How much, with tax.
        pub amount: Amount = "With tax; a refund below zero"
            => [sort, at_least("min_amount"), row, import("total, gross, gross amount, total amount, sum")],
        /// ISO 4217.
        pub currency: Currency => [column_filter, row, import("currency code")],
        /// How much of it is tax.
        pub tax_amount: Option<Amount> => [row, import("tax, vat, vat amount, input tax")],
        /// When.
        pub spent_on: NaiveDate
            => [sort, range("spent_after", "spent_before"), row, import("date, expense date, day, receipt date")],
        /// Who was paid.
        pub vendor: Option<ShortText<200>> => [search, key, row, import("merchant, supplier, payee, paid to")],
        /// The same as a company.
        pub company: Option<Id<Company>> = "The vendor" => [filter, row, import("vendor company, company name")],
        /// Who spent it.
        pub owner: Option<Id<Member>> => [filter, row, import("employee, spent by, submitted by, member")],
        /// How it was paid.
        pub method: Option<Method> => [row, import("payment method, paid with, paid by")],
        /// The number of the receipt.
        pub reference: Option<ShortText<100>> = "Receipt number"
            => [search, row, import("receipt, receipt number, receipt no, invoice number, document number")],
        /// Where it stands.
        pub status: ExpenseStatus => [filter, several, row, import("expense status, state")],
        /// Whether a customer is to be charged for it.
        pub billable: bool => [filter, row, import("rebillable, is billable, chargeable")],
        /// What to know about it.
        pub notes: Option<LongText<2000>> => [search, import("note, comment, comments")],
    }
}

/// Where an expense stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpenseStatus {
    /// Nobody has looked at it.
    #[default]
    Pending,
    /// It is in order.
    Approved,
    /// It is not.
    Rejected,
    /// It was paid, or paid back to who spent it.
    Paid,
}
bureau_kernel::text_column!(ExpenseStatus);

impl Expense {
    /// The first of what is in the books for it that is not the same.
    fn differs_in(&self, other: &Self) -> Option<&'static str> {
        [
            ("amount", self.amount != other.amount),
            ("currency", self.currency != other.currency),
            ("tax_amount", self.tax_amount != other.tax_amount),
            ("spent_on", self.spent_on != other.spent_on),
        ]
        .into_iter()
        .find_map(|(field, differs)| differs.then_some(field))
    }

    /// Refuses one that was noted already, by the number of its receipt, its amount and who was paid.
    pub(crate) async fn check_new(&self, cx: &mut Cx) -> Result<()> {
        let Some(reference) = self.reference.as_deref().map(folded) else {
            return Ok(());
        };
        let alike = cx
            .list::<Self>()
            .equal("amount", Some(self.amount))
            .page(Order::CREATED, true, Limit::of(100), None)
            .await?;
        let of = |expense: &Self| {
            let vendor = expense.vendor.as_deref().map(folded);
            (expense.currency, vendor, expense.company)
        };
        let is_same = |other: &&Saved<Self>| {
            other.reference.as_deref().map(folded).as_ref() == Some(&reference)
                && of(other) == of(self)
        };
        let Some(id) = alike.rows.iter().find(is_same).map(|other| other.id) else {
            return Ok(());
        };
        let existing = cx.names([id]).await?.of(id);
        let message = "An expense of this receipt, amount and vendor is noted already.";
        Err(Error::conflict(message)
            .field("reference")
            .hint("Say anyway: true if it is meant.")
            .detail("existing", existing))
    }

    /// Refuses one of a day that is still to come.
    pub(crate) fn check_day(&self, today: NaiveDate) -> Result<()> {
        if self.spent_on <= today {
            return Ok(());
        }
        let message = format!("{} is still to come.", self.spent_on);
        Err(Error::invalid("spent_on", message).hint("Note it when the money is spent."))
    }
}

impl Record for Expense {
    const ACCESS: Access = EXPENSES;

    const EXPORTED: Exported = Exported {
        day: Some("spent_on"),
        ..Exported::PLAIN
    };

    // What is settled goes on naming whom it was paid to, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "status IN ('pending', 'approved')";

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if self.amount.raw() == 0 {
            return Err(Error::invalid("amount", "amount is not zero.")
                .hint("What came back is an expense below zero."));
        }
        let (amount, sign) = (self.amount.raw().abs(), self.amount.raw().signum());
        let is_part = |tax: Amount| (0..=amount).contains(&(tax.raw() * sign));
        if !self.tax_amount.is_none_or(is_part) {
            let message = "tax_amount is from zero to the amount.";
            return Err(Error::invalid("tax_amount", message));
        }
        Ok(())
    }

    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        let paid = ExpenseStatus::Paid;
        let next = next.filter(|next| self.status == paid && next.status == paid);
        match next.and_then(|next| self.differs_in(next)) {
            None => Ok(()),
            Some(field) => {
                let message = format!("This expense is paid, so its {field} stands.");
                Err(Error::conflict(message).field(field).hint(
                    "Set its status back to approved first, correct it, and set it to paid again.",
                ))
            }
        }
    }
}

impl Presented for Expense {
    type Extra = Nothing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
}
