//! What stands in an offer or an invoice.

use serde_json::{Value, json};

use crate::demo::chance::Chance;
use crate::demo::sales::Sale;

use super::articles::Article;
use super::texts::SET_UP;

/// A line. Quantities and prices are in hundredths.
#[derive(Debug, Clone)]
pub(super) struct Item {
    article: Option<&'static Article>,
    what: Option<String>,
    unit: Option<&'static str>,
    is_goods: bool,
    pub(super) quantity: i64,
    price: i64,
}

impl Item {
    /// So many of an article, at its price.
    pub(super) fn of(article: &'static Article, quantity: i64) -> Self {
        Self {
            article: Some(article),
            what: None,
            unit: None,
            is_goods: article.is_goods,
            quantity: quantity * 100,
            price: article.price,
        }
    }

    /// Something at a price of its own.
    pub(super) fn lump(what: String, price: i64) -> Self {
        Self {
            article: None,
            what: Some(what),
            unit: Some("lump sum"),
            is_goods: false,
            quantity: 100,
            price,
        }
    }

    /// Half of one more, where it is something that is counted in hours.
    pub(super) fn add_half(&mut self) {
        if self.article.is_some_and(|article| article.unit == "hour") {
            self.quantity += 50;
        }
    }

    fn net(&self) -> i64 {
        (self.quantity * self.price + 50) / 100
    }

    fn written(&self, tax: Option<&str>) -> Value {
        let mut line = json!({
            "product": self.article.map(Article::reference),
            "description": self.what,
            "quantity": money(self.quantity),
            "unit": self.unit,
            "unit_price": money(self.price),
            "tax_category": tax,
        });
        if let Some(fields) = line.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        line
    }
}

/// The lines of a document, and what is taken off the whole, in hundredths.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) items: Vec<Item>,
    discount: i64,
}

impl Content {
    pub(super) fn new(items: Vec<Item>) -> Self {
        Self { items, discount: 0 }
    }

    /// What a sale is about, for this net amount: at list price less a discount, or with what it takes to begin.
    pub(super) fn of(chance: &mut Chance, sale: &Sale, net: i64) -> Self {
        let name = sale.product.called(sale.count);
        let Some(article) = sale.product.article.and_then(Article::of) else {
            return Self::new(vec![Item::lump(name, net)]);
        };
        // What is sold as one thing is offered by the day, the month, …
        let count = match (article.sku, sale.count) {
            ("SUP", sites) => 12 * sites,
            (_, 1) => (net / article.price).max(1),
            (_, count) => count,
        };
        let mut item = Item::of(article, count);
        let listed = item.net();
        if listed * 88 > net * 100 || listed * 115 < net * 100 || sale.renews && listed < net {
            // Not what the list says: a price of its own in whole units, for the first time with a part for the set-up.
            let share = if sale.renews {
                100
            } else {
                chance.range(86, 94)
            };
            item.price = (net * share / 100 / count + 99) / 100 * 100;
        }
        let rest = net - item.net();
        let mut content = Self::new(vec![item]);
        match rest {
            0 => {}
            1.. => content
                .items
                .push(Item::lump(chance.pick(&SET_UP).to_owned(), rest)),
            _ => content.discount = -rest,
        }
        content
    }

    /// A part of it, as one line of its own.
    pub(super) fn part(&self, what: String, net: i64) -> Self {
        let mut item = Item::lump(what, net);
        item.is_goods = self.is_goods();
        Self::new(vec![item])
    }

    /// The same for a lower net amount.
    pub(super) fn lowered(&self, net: i64) -> Self {
        Self {
            discount: self.discount + self.net() - net,
            ..self.clone()
        }
    }

    pub(super) fn net(&self) -> i64 {
        self.items.iter().map(Item::net).sum::<i64>() - self.discount
    }

    /// What is taken off, as a tool reads it.
    pub(super) fn discount(&self) -> Option<String> {
        (self.discount != 0).then(|| money(self.discount))
    }

    /// Whether it is about goods, which are taxed in their own way abroad; what is done with them goes along.
    pub(super) fn is_goods(&self) -> bool {
        self.items.iter().any(|item| item.is_goods)
    }

    /// Its lines as a tool reads them, taxed as the firm in Berlin does for a business in that country.
    pub(super) fn lines(&self, country: &str) -> Value {
        let tax = tax(country, self.is_goods());
        self.items.iter().map(|item| item.written(tax)).collect()
    }
}

/// How sales to businesses of a country are taxed, where it is not as the product says.
fn tax(country: &str, is_goods: bool) -> Option<&'static str> {
    match (country, is_goods) {
        ("DE", _) => None,
        ("GB" | "US" | "CA" | "CH" | "JP", true) => Some("export"),
        ("GB" | "US" | "CA" | "CH" | "JP", false) => Some("out of scope"),
        (_, true) => Some("intra-community"),
        (_, false) => Some("reverse charge"),
    }
}

/// Hundredths as a tool reads them.
pub(super) fn money(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
