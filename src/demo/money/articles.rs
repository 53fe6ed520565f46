//! What the firm sells.

use chrono::Duration;
use serde_json::json;

use crate::demo::calendar::{Calendar, moment};
use crate::demo::script::{Event, Script, reference};

use super::content::money;

/// A product or a service.
#[derive(Debug)]
pub(in crate::demo) struct Article {
    pub(super) sku: &'static str,
    pub(super) name: &'static str,
    about: &'static str,
    pub(super) is_goods: bool,
    pub(super) unit: &'static str,
    /// The price of one in hundredths of a euro. The same number is asked for in other currencies.
    pub(super) price: i64,
    /// Percent, where it is not the standard rate.
    tax: Option<&'static str>,
    /// How often it is charged again.
    every: Option<&'static str>,
}

/// All of it.
pub(in crate::demo) const ARTICLES: [Article; 12] = [
    Article::service(
        "WHP",
        "Warehouse planning",
        "Licence for one site and year",
        "site",
        9_600,
    )
    .each("year"),
    Article::service(
        "MTP",
        "Maintenance planning",
        "Licence for one user and year",
        "user",
        225,
    )
    .each("year"),
    Article::service(
        "RTP",
        "Route planning",
        "Licence for one vehicle and year",
        "vehicle",
        285,
    )
    .each("year"),
    Article::service(
        "SHP",
        "Shift planning",
        "Licence for one employee and year",
        "employee",
        36,
    )
    .each("year"),
    Article::service(
        "LIC",
        "User licence",
        "One more user for a year",
        "user",
        180,
    )
    .each("year"),
    Article::service(
        "SUP",
        "Support",
        "Telephone and remote support on working days, for one site",
        "month",
        480,
    )
    .each("month"),
    Article::service(
        "INT",
        "Integration",
        "A day of an engineer, tests and documentation included",
        "day",
        1_150,
    ),
    Article::service(
        "TRN",
        "Training",
        "A day for up to ten people, at your place or online",
        "day",
        1_280,
    ),
    Article::service("CON", "Consulting", "An hour of a planner", "hour", 145),
    Article::goods(
        "SCN",
        "Handheld scanner",
        "With battery and strap, two years of warranty",
        449,
        None,
    ),
    Article::goods("CRD", "Charging cradle", "For four scanners", 119, None),
    Article::goods(
        "HBK",
        "The planner's handbook",
        "Printed, 240 pages",
        39,
        Some("7"),
    ),
];

impl Article {
    const fn service(
        sku: &'static str,
        name: &'static str,
        about: &'static str,
        unit: &'static str,
        price: i64,
    ) -> Self {
        Self {
            sku,
            name,
            about,
            is_goods: false,
            unit,
            price: price * 100,
            tax: None,
            every: None,
        }
    }

    const fn goods(
        sku: &'static str,
        name: &'static str,
        about: &'static str,
        price: i64,
        tax: Option<&'static str>,
    ) -> Self {
        Self {
            is_goods: true,
            tax,
            ..Self::service(sku, name, about, "piece", price)
        }
    }

    const fn each(self, interval: &'static str) -> Self {
        Self {
            every: Some(interval),
            ..self
        }
    }

    /// The one with this number.
    pub(super) fn of(sku: &str) -> Option<&'static Self> {
        ARTICLES.iter().find(|article| article.sku == sku)
    }

    /// By which others name it.
    pub(super) fn reference(&self) -> String {
        let place = ARTICLES.iter().position(|article| article.sku == self.sku);
        reference("product", place.unwrap_or(ARTICLES.len()))
    }
}

/// Writes down what is sold, on the first morning.
pub(super) fn plan(calendar: &Calendar, script: &mut Script) {
    let mut at = moment(calendar.first(), 8 * 60 + 33);
    for article in &ARTICLES {
        at += Duration::seconds(25);
        let arguments = json!({
            "name": article.name,
            "sku": article.sku,
            "description": article.about,
            "type": if article.is_goods { "goods" } else { "service" },
            "unit": article.unit,
            "unit_price": money(article.price),
            "currency": "EUR",
            "tax_rate": article.tax,
            "billing_interval": article.every,
        });
        let event = Event::new(at, 0, "create_product", arguments);
        script.add(event.makes(article.reference()));
    }
}
