//! `update_workspace`

use bureau_billing::{
    Category, Seller, SellerDetails, TaxRateChange, add_country, knows_country, remove_tax_rate,
    set_seller, set_tax_rate,
};
use bureau_kernel::admin::{WorkspaceChange, workspace_updated};
use bureau_kernel::prelude::*;
use bureau_kernel::series::{SeriesChange, set_series};
use bureau_kernel::types::money::Amount;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::MANAGE_WORKSPACE;
use crate::difference::describe;
use crate::wrong::Wrong;

/// What changes; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateWorkspace {
    name: Option<ShortText<100>>,
    /// IANA name
    time_zone: Option<ShortText<64>>,
    currency: Option<ShortText<10>>,
    country: Option<ShortText<60>>,
    /// Your firm on documents
    seller: Option<SellerDetails>,
    /// Of the seller
    clear: Option<Vec<ClearField<Seller>>>,
    taxes: Option<Vec<TaxGiven>>,
    /// Add this country's usual rates
    taxes_of: Option<ShortText<60>>,
    series: Option<Vec<SeriesGiven>>,
}

/// A tax rate by its name: a new one, or what changes in one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct TaxGiven {
    name: ShortText<40>,
    percent: Option<Amount>,
    /// Needed at 0%
    category: Option<Category>,
    /// Why none is due
    reason: Option<ShortText<200>>,
    /// VATEX
    reason_code: Option<ShortText<30>>,
    is_default: Option<bool>,
    remove: Option<bool>,
}

/// How records are numbered from now on.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SeriesGiven {
    /// invoices, credit_notes …
    numbers: ShortText<40>,
    /// Such as INV-{year}-{number:4}
    pattern: Option<ShortText<30>>,
    yearly: Option<bool>,
    first: Option<BoundedInt<1, 900_000_000>>,
}

/// What is in force now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SettingsView {
    name: String,
    time_zone: String,
    currency: String,
    country: Option<String>,
    /// Seller with what is missing before an invoice can be issued, taxes, series, attributes.
    settings: Map<String, Value>,
}

impl SettingsView {
    async fn of(cx: &mut Cx, workspace: &Workspace) -> Result<Self> {
        Ok(Self {
            name: workspace.name.clone(),
            time_zone: workspace.time_zone.name().to_owned(),
            currency: workspace.currency.to_string(),
            country: workspace.country.clone(),
            settings: cx.settings().await?,
        })
    }

    /// What is otherwise afterwards.
    fn described(&self, after: &Self) -> Option<String> {
        let value = |view: &Self| {
            let mut parts = view.settings.clone();
            let own = [
                ("name", &view.name),
                ("time_zone", &view.time_zone),
                ("currency", &view.currency),
            ];
            for (name, text) in own {
                parts.insert(name.into(), text.as_str().into());
            }
            parts.insert("country".into(), view.country.as_deref().into());
            Value::Object(parts)
        };
        describe(&value(self), &value(after))
    }
}

impl Tool for UpdateWorkspace {
    const SPEC: Spec = Spec::changes("update_workspace", MANAGE_WORKSPACE)
        .title("Update workspace")
        .about("Set name, time zone, your firm's details and IBAN, taxes, number series.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "This is where customers shall pay to",
            before: &[],
            arguments: r#"{"seller": {"iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX", "bank": "Commerzbank", "terms": "net 30"}, "confirm": true}"#,
            expect: &[
                ("/data/settings/seller/iban", r#""DE89370400440532013000""#),
                ("/data/settings/seller/terms", r#""net 30""#),
            ],
        },
        Example {
            title: "We also charge a rate of 7%, and our zone is Berlin's",
            before: &[],
            arguments: r#"{"time_zone": "Europe/Berlin", "taxes": [{"name": "books", "percent": "7"}], "confirm": true}"#,
            expect: &[("/data/time_zone", r#""Europe/Berlin""#)],
        },
    ];
    type Output = SettingsView;

    async fn call(self, cx: &mut Cx) -> Result<SettingsView> {
        let workspace = cx.workspace().clone();
        let before = SettingsView::of(cx, &workspace).await?;
        let mut wrong = Wrong::default();
        let changed = wrong.keep("", self.change_workspace(cx).await)?;
        let clear = self.clear.as_deref().unwrap_or_default();
        if let Some(details) = &self.seller {
            let set = set_seller(cx, details.patch(), clear).await;
            wrong.keep("seller", set)?;
        } else if !clear.is_empty() {
            let nothing: Patch<Seller> = serde_json::from_str("{}").map_err(Error::internal)?;
            let set = set_seller(cx, &nothing, clear).await;
            wrong.keep("seller", set)?;
        }
        if let Some(country) = &self.taxes_of {
            let added = taxes_of(cx, country).await;
            wrong.keep("taxes_of", added)?;
        }
        for (index, tax) in self.taxes.into_iter().flatten().enumerate() {
            let set = tax.set(cx).await;
            wrong.keep(&format!("taxes[{index}]"), set)?;
        }
        for (index, series) in self.series.into_iter().flatten().enumerate() {
            let set = series.set(cx).await;
            wrong.keep(&format!("series[{index}]"), set)?;
        }
        wrong.end()?;
        let after = SettingsView::of(cx, &changed.unwrap_or(workspace)).await?;
        if let Some(what) = before.described(&after) {
            cx.set_summary(what);
            cx.ask_about_all();
        }
        Ok(after)
    }
}

impl UpdateWorkspace {
    /// Changes what the workspace itself says.
    async fn change_workspace(&self, cx: &mut Cx) -> Result<Workspace> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let change = WorkspaceChange {
            name: text(self.name.as_deref()),
            time_zone: text(self.time_zone.as_deref()),
            currency: text(self.currency.as_deref()),
            country: text(self.country.as_deref()),
        };
        let (workspace, dropped) = workspace_updated(cx, &change).await?;
        if dropped > 0 {
            cx.notice(Notice::dropped(format!(
                "{dropped} exchange rates into the old currency are gone, also when this is taken back."
            )));
        }
        Ok(workspace)
    }
}

/// Adds the rates of a country.
async fn taxes_of(cx: &mut Cx, country: &str) -> Result<()> {
    let named: Option<Country> = country.parse().ok();
    let code = named.as_ref().and_then(Country::code);
    match code.filter(|code| knows_country(code)) {
        Some(code) => add_country(cx, Some(code)).await.map(drop),
        None => Err(
            Error::invalid("", "The usual rates of this country are not known here.")
                .hint("Give them as taxes, each with name and percent."),
        ),
    }
}

impl TaxGiven {
    async fn set(self, cx: &mut Cx) -> Result<()> {
        if self.remove == Some(true) {
            return remove_tax_rate(cx, &self.name).await.map(drop);
        }
        let change = TaxRateChange {
            name: self.name,
            percent: self.percent,
            category: self.category,
            reason: self.reason,
            reason_code: self.reason_code,
            is_default: self.is_default.unwrap_or(false),
        };
        set_tax_rate(cx, change).await.map(drop)
    }
}

impl SeriesGiven {
    async fn set(self, cx: &mut Cx) -> Result<()> {
        let numbers = self.numbers.to_lowercase().replace([' ', '-'], "_");
        let change = SeriesChange {
            pattern: self.pattern,
            yearly: self.yearly,
            first: self.first,
        };
        set_series(cx, &numbers, change).await.map(drop)
    }
}
