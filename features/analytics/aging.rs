//! `get_invoice_aging`

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_invoicing::{OpenFilter, OpenInvoice, READ_INVOICES, open_on};
use bureau_kernel::figures::Tally;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rate;
use bureau_kernel::registry::Registry;
use bureau_kernel::types::money::Currency;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::report::{Call, call};

/// Of which day, and of whose invoices.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetInvoiceAging {
    /// Default today
    as_of: Option<When>,
    company: Option<Id<Company>>,
    currency: Option<Currency>,
}

/// What customers owed on a day, by how long it was past due.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvoiceAging {
    /// Which measure this is, and in which version.
    measure: String,
    basis: &'static str,
    /// The day: what was paid or credited later does not count.
    as_of: NaiveDate,
    /// How many invoices there are of each age, and the calls that list them; of a day that has passed there is none.
    buckets: Vec<Bucket>,
    /// All of them together.
    total: Aging,
    /// Who owed most, first; 100 at most.
    customers: Vec<CustomerAging>,
    /// How many customers owed something.
    customer_count: usize,
    /// What the figures named `base_…` are in: all that a rate is known for.
    base_currency: Currency,
    /// The rates behind them, the newest first. Each invoice goes by the one that it has kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rates: Vec<Rate>,
    /// Currencies of which no rate is known: what is owed in them is not in those figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    without_rate: Vec<Currency>,
}

/// The invoices of an age.
#[derive(Debug, Serialize, JsonSchema)]
struct Bucket {
    age: Age,
    n: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Call>,
}

/// How long an invoice was past due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Age {
    NotDue,
    Days1To30,
    Days31To60,
    Days61To90,
    Over90,
}

const AGES: [Age; 5] = [
    Age::NotDue,
    Age::Days1To30,
    Age::Days31To60,
    Age::Days61To90,
    Age::Over90,
];

/// What a customer owed.
#[derive(Debug, Serialize, JsonSchema)]
struct CustomerAging {
    /// The company, or the contact where there is none; nothing of one that was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: Option<String>,
    #[serde(flatten)]
    figures: Aging,
}

bureau_kernel::figures! {
    /// How many invoices, and what was open of them, with tax, by days past due.
    pub(crate) struct Aging(count) of Aged {
        /// Due on that day or later.
        not_due: base_not_due,
        /// From 1 to 30 days.
        days_1_to_30: base_days_1_to_30,
        /// From 31 to 60 days.
        days_31_to_60: base_days_31_to_60,
        /// From 61 to 90 days.
        days_61_to_90: base_days_61_to_90,
        /// 91 days or more.
        over_90: base_over_90,
        /// All of it.
        balance: base_balance,
    }
}

impl Age {
    /// What falls into it on a day, by when an invoice is due.
    fn of(due: Option<NaiveDate>, day: NaiveDate) -> Self {
        match due.map(|due| (day - due).num_days()) {
            None | Some(..=0) => Self::NotDue,
            Some(1..=30) => Self::Days1To30,
            Some(31..=60) => Self::Days31To60,
            Some(61..=90) => Self::Days61To90,
            Some(_) => Self::Over90,
        }
    }

    /// The first and the last due day of what falls into it on a day.
    fn due(self, day: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let ago = |days| day.checked_sub_days(Days::new(days));
        match self {
            Self::NotDue => (Some(day), None),
            Self::Days1To30 => (ago(30), ago(1)),
            Self::Days31To60 => (ago(60), ago(31)),
            Self::Days61To90 => (ago(90), ago(61)),
            Self::Over90 => (None, ago(91)),
        }
    }

    /// An amount in its place among the sums.
    fn sums(self, amount: Decimal) -> [Decimal; 6] {
        let own = |age| if age == self { amount } else { Decimal::ZERO };
        let [a, b, c, d, e] = AGES.map(own);
        [a, b, c, d, e, amount]
    }
}

impl Tool for GetInvoiceAging {
    const SPEC: Spec = Spec::reads("get_invoice_aging", READ_INVOICES)
        .title("Get invoice aging")
        .about("What customers owe by days past due (30, 60, 90 and more), as of any day.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who owes us for how long?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Owing"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_invoice",
                arguments: r#"{"company": "{acme}", "currency": "EUR", "terms": "net 30", "lines": [{"description": "Audit", "unit_price": "100", "tax_rate": "19"}]}"#,
                keep: &[("invoice", "/data/id")],
            },
            Step {
                tool: "issue_invoice",
                arguments: r#"{"invoice": "{invoice}", "confirm": true}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"company": "{acme}"}"#,
        expect: &[
            ("/data/measure", r#""invoicing.outstanding@1""#),
            ("/data/total/values/0/not_due", r#""119.00""#),
            ("/data/customers/0/name", r#""Acme Owing""#),
            ("/data/buckets/0/n", "1"),
            ("/data/buckets/0/evidence/tool", r#""list_invoices""#),
        ],
    }];
    type Output = InvoiceAging;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceAging> {
        let today = cx.today();
        let as_of = match &self.as_of {
            Some(when) => cx.date("as_of", when)?,
            None => today,
        };
        if as_of > today {
            let message = "as_of is still to come: nobody knows what will be paid until then.";
            return Err(Error::invalid("as_of", message).hint(
                "Leave it out, or list what falls due with list_invoices: status open, due_before.",
            ));
        }
        let among = OpenFilter {
            company: self.company,
            currency: self.currency,
            owner: None,
        };
        let mut rates = cx.rates(None, as_of).await?;
        let base = rates.base();
        let open = open_on(cx, as_of, among, &mut rates).await?;
        let mut total = Tally::default();
        let mut counts = [0; AGES.len()];
        let mut customers: BTreeMap<Customer, Tally<6>> = BTreeMap::new();
        for invoice in open {
            let age = Age::of(invoice.due, as_of);
            let sums = age.sums(invoice.balance);
            total.add(invoice.worth, 1, sums)?;
            let tally = customers.entry(Customer::of(&invoice)).or_default();
            tally.add(invoice.worth, 1, sums)?;
            let mut places = counts.iter_mut().zip(AGES);
            if let Some((count, _)) = places.find(|(_, own)| *own == age) {
                *count += 1;
            }
        }
        let mut buckets = Vec::new();
        for (age, n) in AGES.into_iter().zip(counts) {
            let evidence = match as_of == today {
                true => self.evidence(cx, age, as_of)?,
                false => None,
            };
            buckets.push(Bucket { age, n, evidence });
        }
        let measure = Registry::of(cx)?.measure("invoicing.outstanding")?;
        Ok(InvoiceAging {
            measure: measure.called(),
            basis: measure.basis,
            as_of,
            buckets,
            total: Aging::of(&total, base),
            customer_count: customers.len(),
            customers: ranked(cx, customers, base).await?,
            base_currency: base,
            rates: cx.rates_used(&rates),
            without_rate: rates.missing(),
        })
    }
}

impl GetInvoiceAging {
    /// The call that lists the invoices of an age today.
    fn evidence(&self, cx: &Cx, age: Age, day: NaiveDate) -> Result<Option<Call>> {
        let mut arguments = Map::new();
        arguments.insert("status".into(), "open".into());
        arguments.insert("kind".into(), "invoice".into());
        let (after, before) = age.due(day);
        for (name, bound) in [("due_after", after), ("due_before", before)] {
            arguments.extend(bound.map(|day| (name.to_owned(), day.to_string().into())));
        }
        let company = self.company.map(|id| id.to_string());
        arguments.extend(company.map(|id| ("company".to_owned(), id.into())));
        let currency = self.currency.map(Currency::code);
        arguments.extend(currency.map(|code| ("currency".to_owned(), code.into())));
        call(cx, "list_invoices", arguments)
    }
}

/// A company, or a contact where there is none, or a name where there is neither.
type Key = (Option<i64>, Option<i64>, Option<String>);

/// Who owes something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Customer(Key);

impl Customer {
    fn of(invoice: &OpenInvoice) -> Self {
        let company = invoice.company.map(Id::raw);
        let contact = invoice.contact.filter(|_| company.is_none()).map(Id::raw);
        let is_known = company.is_some() || contact.is_some();
        let name = invoice.customer.clone().filter(|_| !is_known);
        Self((company, contact, name))
    }
}

/// Those who owe most in the workspace's currency.
async fn ranked(
    cx: &mut Cx,
    customers: BTreeMap<Customer, Tally<6>>,
    base: Currency,
) -> Result<Vec<CustomerAging>> {
    /// So many of them.
    const MOST: usize = 100;
    let mut ranked: Vec<(Key, Tally<6>)> = customers
        .into_iter()
        .map(|(customer, tally)| (customer.0, tally))
        .collect();
    ranked.sort_by_key(|(_, tally)| {
        let [.., balance] = tally.base();
        std::cmp::Reverse(balance)
    });
    if ranked.len() > MOST {
        let message = format!(
            "{} customers owe something; {MOST} are shown.",
            ranked.len()
        );
        cx.notice(Notice::truncated(message));
        ranked.truncate(MOST);
    }
    let companies = ranked.iter().filter_map(|((company, ..), _)| *company);
    let companies: Vec<Id<Company>> = companies.map(Id::from_raw).collect();
    let contacts = ranked.iter().filter_map(|((_, contact, _), _)| *contact);
    let contacts: Vec<Id<Contact>> = contacts.map(Id::from_raw).collect();
    let companies = cx.names(companies).await?;
    let contacts = cx.names(contacts).await?;
    let customers = ranked.into_iter().map(|((company, contact, name), tally)| {
        let (id, name) = match (company, contact) {
            (Some(company), _) => {
                let named = companies.of(Id::from_raw(company));
                (Some(named.id.to_string()), named.name)
            }
            (None, Some(contact)) => {
                let named = contacts.of(Id::from_raw(contact));
                (Some(named.id.to_string()), named.name)
            }
            (None, None) => (None, name),
        };
        CustomerAging {
            id,
            name,
            figures: Aging::of(&tally, base),
        }
    });
    Ok(customers.collect())
}
