//! `bureau workspace seller`: the workspace's own firm, as its documents name it.

use std::path::PathBuf;

use bureau_billing::{MAX_LOGO, Seller};
use bureau_kernel::patch::{ClearField, Patch};
use bureau_kernel::record::Cx;
use bureau_kernel::store::Store;
use bureau_kernel::types::schema;
use clap::Args;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::super::{Failure, Result, print, usage};
use super::{read, undone_with, write};
use crate::config::Config;

/// Without a detail it shows what is noted.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The name in the register
    #[arg(long)]
    name: Option<String>,
    /// Street and number
    #[arg(long)]
    street: Option<String>,
    /// Postal code
    #[arg(long)]
    postal_code: Option<String>,
    /// City
    #[arg(long)]
    city: Option<String>,
    /// State or province
    #[arg(long)]
    region: Option<String>,
    /// An ISO 3166-1 code, such as DE
    #[arg(long)]
    country: Option<String>,
    /// VAT identifier, with its country's prefix
    #[arg(long)]
    vat_id: Option<String>,
    /// The tax authority's other number
    #[arg(long)]
    tax_number: Option<String>,
    /// The entry in a register of companies
    #[arg(long)]
    registration: Option<String>,
    /// Who answers for invoices
    #[arg(long)]
    contact: Option<String>,
    /// E-mail address
    #[arg(long)]
    email: Option<String>,
    /// Telephone
    #[arg(long)]
    phone: Option<String>,
    /// Web address
    #[arg(long)]
    website: Option<String>,
    /// Who holds the account, where that is another name
    #[arg(long)]
    account_holder: Option<String>,
    /// The account to pay to
    #[arg(long)]
    iban: Option<String>,
    /// The bank's code
    #[arg(long)]
    bic: Option<String>,
    /// The bank's name
    #[arg(long)]
    bank: Option<String>,
    /// Terms of payment where an invoice has none: net 30, end of month, due on receipt
    #[arg(long)]
    terms: Option<String>,
    /// The language of documents: an ISO 639-1 code, such as de
    #[arg(long)]
    language: Option<String>,
    /// The last day of the books that are closed: nothing is dated up to it any more
    #[arg(long, value_name = "DAY")]
    closed_until: Option<String>,
    /// What stands at the foot of each page
    #[arg(long)]
    footer: Option<String>,
    /// A PNG or JPEG file of 300,000 bytes at most
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// Empty a detail, such as vat-id; any number of times
    #[arg(long, value_name = "DETAIL")]
    clear: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, store: &Store, arguments: Arguments) -> Result<()> {
    let json = arguments.json;
    let clear: Vec<ClearField<Seller>> = arguments
        .clear
        .iter()
        .map(|name| schema::parse_at("clear", name.replace('-', "_").into()))
        .collect::<Result<_, _>>()
        .map_err(usage)?;
    let given = arguments.given()?;
    if given.is_empty() && clear.is_empty() {
        let seller = read(config, store, bureau_billing::seller).await?.record;
        if json {
            return print::json(&seller.shown());
        }
        return print::out(&describe(&seller));
    }
    let given: Patch<Seller> = schema::parse_at("", Value::Object(given)).map_err(usage)?;
    let ((seller, rates), change) =
        write(config, store, "workspace_seller", async |cx: &mut Cx| {
            bureau_billing::set_seller(cx, &given, &clear).await
        })
        .await?;
    if json {
        let mut answer = seller.shown();
        answer.insert("added_tax_rates".into(), json!(rates));
        answer.insert("change".into(), json!(change));
        return print::json(&answer);
    }
    let mut text = describe(&seller);
    if !rates.is_empty() {
        let rates: Vec<String> = rates
            .iter()
            .map(|rate| format!("{} {}%", rate.name, rate.percent))
            .collect();
        text.push_str(&format!(
            "\nTaxes of this country were added: {}. Check them, you answer for them: bureau workspace tax list\n",
            rates.join(", ")
        ));
    }
    text.push_str(&format!("\n{}\n", undone_with(change)));
    print::out(&text)
}

impl Arguments {
    /// The details that were said, by the names of the record's fields.
    fn given(&self) -> Result<Map<String, Value>> {
        let texts = [
            ("name", &self.name),
            ("street", &self.street),
            ("postal_code", &self.postal_code),
            ("city", &self.city),
            ("region", &self.region),
            ("country", &self.country),
            ("vat_id", &self.vat_id),
            ("tax_number", &self.tax_number),
            ("registration", &self.registration),
            ("contact", &self.contact),
            ("email", &self.email),
            ("phone", &self.phone),
            ("website", &self.website),
            ("account_holder", &self.account_holder),
            ("iban", &self.iban),
            ("bic", &self.bic),
            ("bank", &self.bank),
            ("terms", &self.terms),
            ("language", &self.language),
            ("closed_until", &self.closed_until),
            ("footer", &self.footer),
        ];
        let texts = texts.into_iter();
        let mut given: Map<String, Value> = texts
            .filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())))
            .collect();
        if let Some(path) = &self.logo {
            let wrong = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
            let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
            if size.len() > MAX_LOGO as u64 {
                return Err(wrong(format!("a logo has {MAX_LOGO} bytes at most.")));
            }
            let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
            given.insert("logo".into(), BASE64.encode(&bytes).into());
        }
        Ok(given)
    }
}

fn describe(seller: &Seller) -> String {
    let rows: Vec<[String; 2]> = seller
        .shown()
        .into_iter()
        .filter_map(|(name, value)| {
            let text = value.as_str()?.replace('\n', " / ");
            Some([name.replace('_', "-"), text])
        })
        .collect();
    let mut text = print::table(["detail", "value"], &rows);
    let lacks = seller.lacks();
    if !lacks.is_empty() {
        text.push_str(&format!(
            "\nNo invoice can be issued yet. Still missing: {}.\n",
            lacks.join(", ").replace('_', "-")
        ));
    }
    text
}
