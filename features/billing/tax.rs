//! Taxes as data: the rates and reasons that a workspace charges by, under the categories of EN 16931.

use bureau_documents::{TaxCategory, usual_reason};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::text::{folded, nearest, quoted};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{MANAGE_INVOICING, READ_INVOICES};

bureau_kernel::record! {
    /// A way of taxing what the workspace sells.
    pub struct TaxRate: "tax_rate", "tax", "tax rate" {
        /// What it is called in the workspace, such as `standard`.
        pub name: ShortText<40>,
        /// Its category.
        pub category: Category,
        /// Percent.
        pub percent: Amount,
        /// Why none is due: the text that stands on the invoice.
        pub reason: Option<ShortText<200>>,
        /// The same as a code of the VATEX list.
        pub reason_code: Option<ShortText<30>>,
        /// Whether it counts where nothing else is said.
        pub is_default: bool,
    }
}

/// A category of value added tax (UNCL 5305, as EN 16931 restricts it).
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
pub enum Category {
    /// A rate above zero.
    #[default]
    S,
    /// A rate of zero.
    Z,
    /// Exempt.
    E,
    /// The buyer owes it: reverse charge.
    AE,
    /// Supply to another member state of the EU.
    K,
    /// Export out of the EU.
    G,
    /// Not subject to the tax.
    O,
}
bureau_kernel::text_column!(Category);

impl From<Category> for TaxCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::S => Self::Standard,
            Category::Z => Self::Zero,
            Category::E => Self::Exempt,
            Category::AE => Self::ReverseCharge,
            Category::K => Self::IntraCommunity,
            Category::G => Self::Export,
            Category::O => Self::OutOfScope,
        }
    }
}

impl Category {
    /// Whether an invoice has to say why no tax is due (EN 16931, BR-E-10, BR-AE-10, BR-IC-10, BR-G-10, BR-O-10).
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        !matches!(self, Self::S | Self::Z)
    }
}

/// How a line is taxed, as it stands in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Tax {
    /// Its category.
    pub category: Category,
    /// Percent.
    pub rate: Amount,
    /// What it is called in the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShortText<40>>,
    /// Why none is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ShortText<200>>,
    /// The same as a code of the VATEX list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<ShortText<30>>,
}

impl Tax {
    /// Whether both are of one category and rate, and so of one subtotal.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        (self.category, self.rate) == (other.category, other.rate)
    }
}

impl From<&TaxRate> for Tax {
    fn from(rate: &TaxRate) -> Self {
        Self {
            category: rate.category,
            rate: rate.percent,
            name: Some(rate.name.clone()),
            reason: rate.reason.clone(),
            reason_code: rate.reason_code.clone(),
        }
    }
}

impl From<&Tax> for bureau_documents::Tax {
    fn from(tax: &Tax) -> Self {
        Self {
            category: tax.category.into(),
            rate: tax.rate.decimal().normalize(),
            reason: tax.reason.as_deref().map(str::to_owned),
            reason_code: tax.reason_code.as_deref().map(str::to_owned),
        }
    }
}

impl Record for TaxRate {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: MANAGE_INVOICING,
        update: MANAGE_INVOICING,
        delete: MANAGE_INVOICING,
    };

    fn label(&self) -> String {
        self.name.to_string()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        let zero = self.percent.raw() == 0;
        if self.percent.raw() < 0 || self.percent.decimal() > Decimal::ONE_HUNDRED {
            return Err(Error::invalid("percent", "percent is from 0 to 100."));
        }
        if (self.category == Category::S) == zero {
            return Err(Error::invalid(
                "percent",
                "Only the category S has a rate above zero, and it has no other.",
            )
            .hint("For 0% choose Z, E, AE, K, G or O."));
        }
        if self.category.needs_reason() && self.reason.is_none() {
            let message = "An invoice has to say why no tax is due.";
            return Err(Error::invalid("reason", message).hint(
                "Name the paragraph, such as `Exempt under article 132 of Directive 2006/112/EC`.",
            ));
        }
        Ok(())
    }
}

/// The tax rates of the workspace, oldest first.
///
/// # Errors
/// What the database says.
pub async fn tax_rates(cx: &mut Cx) -> Result<Vec<Saved<TaxRate>>> {
    let page = cx
        .list::<TaxRate>()
        .page(Order::CREATED, false, Limit::of(100), None)
        .await?;
    Ok(page.rows)
}

/// What a caller says about the tax of a line.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    /// Percent.
    pub(crate) rate: Option<Amount>,
    /// The name of a tax rate, or the code of a category.
    pub(crate) category: Option<&'a str>,
}

impl Wanted<'_> {
    const fn is_nothing(self) -> bool {
        self.rate.is_none() && self.category.is_none()
    }
}

/// The tax that is meant by the first of these that says anything; the workspace's default where none does. `field` names a
/// parameter of the line.
///
/// # Errors
/// [`Code::Validation`] for a rate or category that is not known or does not fit the other, and where there is no default.
pub(crate) fn tax_meant(
    rates: &[Saved<TaxRate>],
    wanted: &[Wanted<'_>],
    field: &dyn Fn(&str) -> String,
) -> Result<Tax> {
    let Some(wanted) = wanted.iter().find(|wanted| !wanted.is_nothing()) else {
        let default = rates.iter().find(|rate| rate.is_default);
        return default.map(|rate| Tax::from(&rate.record)).ok_or_else(|| {
            Error::invalid(field("tax_rate"), "This line has no tax rate.")
                .hint("Give tax_rate in percent, or tax_category. The owner sets a default: update_workspace, or bureau workspace tax.")
        });
    };
    if let Some(percent) = wanted.rate
        && (percent.raw() < 0 || percent.decimal() > Decimal::ONE_HUNDRED)
    {
        let message = "tax_rate is a percentage from 0 to 100.";
        return Err(Error::invalid(field("tax_rate"), message));
    }
    let Some(name) = wanted.category else {
        return tax_of_percent(rates, wanted.rate.unwrap_or(Amount::from_raw(0)), field);
    };
    let known = rates
        .iter()
        .find(|rate| folded(&rate.name) == folded(name))
        .or_else(|| {
            let code = |rate: &&Saved<TaxRate>| {
                bureau_kernel::store::enum_name(&rate.category).eq_ignore_ascii_case(name)
            };
            let fits =
                |rate: &&Saved<TaxRate>| wanted.rate.is_none_or(|percent| percent == rate.percent);
            rates.iter().filter(code).find(fits)
        });
    let Some(known) = known else {
        let names = rates.iter().map(|rate| &*rate.record.name);
        let error = Error::invalid(field("tax_category"), "There is no such tax category here.");
        return Err(match nearest(name, names.clone()) {
            Some(meant) => error.hint(format!("Did you mean {}?", quoted(meant))),
            None => error.hint(format!(
                "There are: {}.",
                names.map(quoted).collect::<Vec<_>>().join(", ")
            )),
        });
    };
    if wanted.rate.is_some_and(|percent| percent != known.percent) {
        return Err(Error::invalid(
            field("tax_rate"),
            format!("{} is taxed at {}%.", quoted(&known.name), known.percent),
        )
        .hint("Leave out tax_rate or tax_category."));
    }
    Ok(Tax::from(&known.record))
}

/// The tax of a percentage, under the name that the workspace has for it, if any.
///
/// Of 0% there are several, which mean different things in law. Where the workspace has rates above zero, a percentage that is
/// none of them is a slip: the firm would owe what it did not charge.
///
/// # Errors
/// [`Code::Validation`] saying which there are.
fn tax_of_percent(
    rates: &[Saved<TaxRate>],
    percent: Amount,
    field: &dyn Fn(&str) -> String,
) -> Result<Tax> {
    let category = if percent.raw() == 0 {
        Category::Z
    } else {
        Category::S
    };
    let known = rates
        .iter()
        .find(|rate| rate.category == category && rate.percent == percent);
    let above_zero: Vec<String> = rates
        .iter()
        .filter(|rate| rate.category == Category::S)
        .map(|rate| format!("{}%", rate.percent))
        .collect();
    if percent.raw() == 0 && !above_zero.is_empty() {
        let untaxed = rates.iter().filter(|rate| rate.percent.raw() == 0);
        let names: Vec<String> = untaxed.map(|rate| quoted(&rate.record.name)).collect();
        let message = "0% has several meanings, and an invoice has to say which.";
        return Err(Error::invalid(field("tax_rate"), message)
            .hint(format!("Give tax_category instead: {}.", names.join(", "))));
    }
    if let Some(known) = known {
        return Ok(Tax::from(&known.record));
    }
    if category == Category::S && !above_zero.is_empty() {
        let message = format!("There is no rate of {percent}% here.");
        return Err(Error::invalid(field("tax_rate"), message).hint(format!(
            "There are {}. The owner adds others: update_workspace, or bureau workspace tax set NAME PERCENT",
            above_zero.join(", ")
        )));
    }
    Ok(Tax {
        category,
        rate: percent,
        name: None,
        reason: None,
        reason_code: None,
    })
}

/// What a new workspace starts with: name, category, code. Where none is due for a reason, it is the usual one.
const FIRST: [(&str, Category, Option<&str>); 6] = [
    ("zero", Category::Z, None),
    ("exempt", Category::E, None),
    ("reverse charge", Category::AE, Some("VATEX-EU-AE")),
    ("intra-community", Category::K, Some("VATEX-EU-IC")),
    ("export", Category::G, Some("VATEX-EU-G")),
    ("out of scope", Category::O, Some("VATEX-EU-O")),
];

/// The reason that a workspace starts with.
fn first_reason(category: Category) -> Option<&'static str> {
    usual_reason(category.into(), "en")
}

/// A reason in a document's language. What an owner wrote stays as it is written.
#[must_use]
pub(crate) fn reason_in(tax: &Tax, language: &str) -> Option<String> {
    let own = tax.reason.as_deref()?;
    let usual = match first_reason(tax.category) {
        Some(first) if first == own => usual_reason(tax.category.into(), language),
        _ => None,
    };
    Some(usual.unwrap_or(own).to_owned())
}

/// Gives a new workspace the rates that are the same everywhere, and those of its country where it is known.
pub(crate) async fn provision(cx: &mut Cx) -> Result<()> {
    for (name, category, code) in FIRST {
        let rate = TaxRate {
            name: ShortText::new(name).map_err(Error::internal)?,
            category,
            percent: Amount::from_raw(0),
            reason: first_reason(category)
                .map(ShortText::new)
                .transpose()
                .map_err(Error::internal)?,
            reason_code: code
                .map(ShortText::new)
                .transpose()
                .map_err(Error::internal)?,
            is_default: false,
        };
        cx.insert(rate, Attributes::new()).await?;
    }
    let country = cx.workspace().country.clone();
    add_country(cx, country.as_deref()).await.map(drop)
}

/// Whether the rates of a country are known here.
#[must_use]
pub fn knows_country(country: &str) -> bool {
    let mut known = COUNTRIES.iter();
    known.any(|(code, ..)| country.eq_ignore_ascii_case(code))
}

/// Adds the standard and reduced rate of a country, where they are known here and the workspace has no rate of that name,
/// and answers what was added.
///
/// # Errors
/// What the database says.
pub async fn add_country(cx: &mut Cx, country: Option<&str>) -> Result<Vec<Saved<TaxRate>>> {
    let known = COUNTRIES
        .iter()
        .find(|(code, ..)| country.is_some_and(|country| country.eq_ignore_ascii_case(code)));
    let mut added = Vec::new();
    let Some((_, standard, reduced)) = known else {
        return Ok(added);
    };
    let present = tax_rates(cx).await?;
    for (name, percent) in [("standard", Some(*standard)), ("reduced", *reduced)] {
        let Some(percent) = percent else { continue };
        if present.iter().any(|rate| &*rate.name == name) {
            continue;
        }
        let rate = TaxRate {
            name: ShortText::new(name).map_err(Error::internal)?,
            category: Category::S,
            percent: Amount::from_raw(percent * 1_000),
            reason: None,
            reason_code: None,
            is_default: name == "standard" && present.iter().all(|rate| !rate.is_default),
        };
        added.push(cx.insert(rate, Attributes::new()).await?);
    }
    Ok(added)
}

/// Standard and first reduced rates of value added tax by country, in tenths of a percent, as of 2026: what a workspace
/// starts with. Its owner answers for them and changes them with `bureau workspace tax`. Sources: the European
/// Commission's list of VAT rates applied in the member states, and the tax authorities of the others.
const COUNTRIES: [(&str, i64, Option<i64>); 32] = [
    ("AT", 200, Some(100)),
    ("BE", 210, Some(60)),
    ("BG", 200, Some(90)),
    ("CH", 81, Some(26)),
    ("CY", 190, Some(90)),
    ("CZ", 210, Some(120)),
    ("DE", 190, Some(70)),
    ("DK", 250, None),
    ("EE", 240, Some(90)),
    ("ES", 210, Some(100)),
    ("FI", 255, Some(135)),
    ("FR", 200, Some(55)),
    ("GB", 200, Some(50)),
    ("GR", 240, Some(130)),
    ("HR", 250, Some(130)),
    ("HU", 270, Some(50)),
    ("IE", 230, Some(135)),
    ("IS", 240, Some(110)),
    ("IT", 220, Some(100)),
    ("LI", 81, Some(26)),
    ("LT", 210, Some(120)),
    ("LU", 170, Some(80)),
    ("LV", 210, Some(120)),
    ("MT", 180, Some(70)),
    ("NL", 210, Some(90)),
    ("NO", 250, Some(150)),
    ("PL", 230, Some(80)),
    ("PT", 230, Some(60)),
    ("RO", 210, Some(110)),
    ("SE", 250, Some(120)),
    ("SI", 220, Some(95)),
    ("SK", 230, Some(190)),
];
