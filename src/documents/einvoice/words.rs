//! What a rule of EN 16931 objects to, in plain words.

use en16931::bt::Path;
use en16931::{Finding, Group, ValidationReport};

use crate::{Document, Error, Tax, TaxCategory};

/// How many objections are told at once; those of a long document are mostly the same.
const MOST: usize = 5;

/// Says what is wrong with the document and what to do: a sentence or two for each thing, with the rule's id at its end.
pub(super) fn explain(document: &Document, report: &ValidationReport) -> Error {
    let mut told: Vec<(String, &str)> = Vec::new();
    for finding in report.fatal() {
        let words = sentence(document, finding);
        // Several rules may ask for the same thing: a country is asked for with the address, in it, and where it is delivered.
        if told.iter().all(|(other, _)| *other != words) {
            told.push((words, &finding.rule));
        }
    }
    let more = told.len().saturating_sub(MOST);
    let mut text = told
        .iter()
        .take(MOST)
        .map(|(words, rule)| format!("{} ({rule}).", words.trim_end_matches('.')))
        .collect::<Vec<_>>()
        .join(" ");
    if more > 0 {
        text.push_str(&format!(" There are {more} more."));
    }
    Error::Incomplete(text)
}

/// The sentence for one objection. Rules that no document of ours can break keep the standard's own words.
fn sentence(document: &Document, finding: &Finding) -> String {
    let who = who(&finding.path);
    let which = which(&finding.path);
    let said = |what: &str| match &finding.detail {
        Some(detail) => format!(
            "{what} should be {} and is {}. Compute the document again.",
            detail.expected, detail.actual
        ),
        None => format!("{what} does not follow from the lines. Compute the document again."),
    };
    match finding.rule.as_str() {
        "BR-02" => "The document has no number. Issue it first.".to_owned(),
        "BR-06" | "BR-07" => format!("The {who} has no name. Set it."),
        "BR-08" | "BR-09" | "BR-10" | "BR-11" | "BR-57" | "BR-IC-12" => {
            format!("The {who} has no country. Set it in the {who}'s address.")
        }
        "BR-CL-14" => format!(
            "The {who}'s country {} is none of ISO 3166-1. Set it as two letters, such as FR.",
            quoted(party(document, &finding.path).country.as_deref())
        ),
        "BR-CO-09" => format!(
            "The {who}'s VAT identifier {} does not start with the two letters of a country. Correct it.",
            quoted(party(document, &finding.path).vat_id.as_deref())
        ),
        "BR-CO-26" if document.seller.vat_id.is_some() => {
            "An invoice that is not subject to VAT may not name the seller by a VAT identifier. \
             Set the seller's entry in a register or its tax number."
                .to_owned()
        }
        "BR-CO-26" => {
            "The seller has no VAT identifier, no tax number and no entry in a register. Set one of them.".to_owned()
        }
        "BR-CL-04" | "EN-CURRENCY-01" => format!(
            "{} is no currency that an e-invoice can be in. Use one of ISO 4217.",
            quoted(Some(&document.currency))
        ),
        "BR-16" => "The document has no lines. Add one.".to_owned(),
        "BR-23" | "BR-CL-23" => format!(
            "{which} has the unit code {}, which is none of UN/ECE recommendations 20 and 21. Set one, such as C62 for a piece or HUR for an hour.",
            quoted(line(document, &finding.path).map(|line| line.unit_code.as_str()))
        ),
        "BR-25" => format!("{which} does not say what it is. Set its description."),
        "BR-29" => "The period ends before it starts. Correct its days.".to_owned(),
        "BR-CO-25" => {
            "It is not said when to pay. Set a due date or terms of payment.".to_owned()
        }
        "BR-33" | "BR-38" | "BR-CO-21" | "BR-CO-22" => {
            format!("{which} does not say what it is for. Set its reason.")
        }
        "BR-50" | "BR-61" => {
            "The bank account has no number. Set its IBAN, or take the account away.".to_owned()
        }
        "BR-55" => {
            "The document that this one is about has no number. Name the invoice that it takes back.".to_owned()
        }
        "BR-CL-22" => format!(
            "The reason for {} has the code {}, which is none of the VATEX list. Correct it or take it away.",
            tax(document, &finding.path).map_or_else(|| "no tax".to_owned(), named),
            quoted(tax(document, &finding.path).and_then(|tax| tax.reason_code.as_deref()))
        ),
        "BR-IC-11" => "A supply to another member state has to say when it was delivered. \
             Set the day of delivery or the period."
            .to_owned(),
        "BR-O-11" | "BR-O-12" | "BR-O-13" | "BR-O-14" => {
            "What is not subject to VAT cannot share an e-invoice with anything else. Put it on an invoice of its own.".to_owned()
        }
        "BR-CO-10" => said("The sum of the lines"),
        "BR-CO-11" => said("The sum of the discounts on the document"),
        "BR-CO-12" => said("The sum of the charges on the document"),
        "BR-CO-13" => said("The total without tax"),
        "BR-CO-14" => said("The tax"),
        "BR-CO-15" => said("The total with tax"),
        "BR-CO-16" => said("The amount to be paid"),
        "BR-CO-17" => said("The tax of a rate"),
        "BR-CO-18" => {
            "The document does not say how it is taxed. Compute the document again.".to_owned()
        }
        rule => category(document, finding, rule)
            .unwrap_or_else(|| format!("{} ({})", finding.message, finding.path)),
    }
}

/// The sentence for a rule of which each tax category has its own, such as BR-AE-02.
fn category(document: &Document, finding: &Finding, rule: &str) -> Option<String> {
    let (family, row) = rule.strip_prefix("BR-")?.split_once('-')?;
    let (category, name) = match family {
        "S" => (TaxCategory::Standard, "a rate above zero"),
        "Z" => (TaxCategory::Zero, "a rate of zero"),
        "E" => (TaxCategory::Exempt, "an exemption"),
        "AE" => (TaxCategory::ReverseCharge, "reverse charge"),
        "IC" => (
            TaxCategory::IntraCommunity,
            "a supply to another member state",
        ),
        "G" => (TaxCategory::Export, "an export"),
        "O" => (TaxCategory::OutOfScope, "what is not subject to VAT"),
        _ => return None,
    };
    let code = category.code();
    Some(match row {
        "01" if finding
            .detail
            .as_ref()
            .is_some_and(|detail| detail.actual == "0") =>
        {
            format!(
                "The tax of category {code} is on a line, but not among the taxes. Compute the document again."
            )
        }
        "01" => format!(
            "An e-invoice has one sum for {name} (category {code}), with one reason. \
             Give all lines of that category the same tax rate and reason, or put them on invoices of their own."
        ),
        "02" | "03" | "04" => parties(document, category, name),
        "05" | "06" | "07" => format!(
            "The rate of {} does not fit its tax category {code}, which is for {name}. Correct the tax rate.",
            which(&finding.path).to_lowercase()
        ),
        "08" => amounts("taxable amount", code, finding),
        "09" => amounts("tax", code, finding),
        "10" => format!(
            "It is not said why there is no tax on {name} (category {code}). \
             Set the reason of the tax rate, in words or as a code of the VATEX list."
        ),
        _ => return None,
    })
}

/// Which of the parties lacks the number that the category asks for.
fn parties(document: &Document, category: TaxCategory, name: &str) -> String {
    let lacks =
        |number: &Option<String>| number.as_deref().is_none_or(|text| text.trim().is_empty());
    let seller = &document.seller;
    let vat_only = matches!(category, TaxCategory::IntraCommunity | TaxCategory::Export);
    if lacks(&seller.vat_id) && vat_only {
        format!("The seller has no VAT identifier, which {name} asks for. Set it.")
    } else if lacks(&seller.vat_id) && lacks(&seller.tax_number) {
        format!(
            "The seller has neither a VAT identifier nor a tax number, and {name} asks for one. Set it."
        )
    } else {
        format!("The buyer has no VAT identifier, which {name} asks for. Set it.")
    }
}

fn amounts(what: &str, code: &str, finding: &Finding) -> String {
    match &finding.detail {
        Some(detail) => format!(
            "The {what} of category {code} should be {} and is {}. Compute the document again.",
            detail.expected, detail.actual
        ),
        None => format!(
            "The {what} of category {code} does not follow from the lines. Compute the document again."
        ),
    }
}

/// The seller or the buyer, to whom it is delivered.
fn who(path: &Path) -> &'static str {
    match path.group {
        Group::Seller => "seller",
        _ => "buyer",
    }
}

fn party<'a>(document: &'a Document, path: &Path) -> &'a crate::Party {
    match path.group {
        Group::Seller => &document.seller,
        _ => &document.buyer,
    }
}

/// The part that is meant, by its place as a reader counts.
fn which(path: &Path) -> String {
    let place = path.index.map_or(1, |index| index + 1);
    match path.group {
        Group::Line => format!("Line {place}"),
        Group::DocumentAllowance => format!("Discount {place} on the document"),
        Group::DocumentCharge => format!("Charge {place} on the document"),
        _ => "The document".to_owned(),
    }
}

fn line<'a>(document: &'a Document, path: &Path) -> Option<&'a crate::Line> {
    document.lines.get(path.index?)
}

fn tax<'a>(document: &'a Document, path: &Path) -> Option<&'a Tax> {
    Some(&document.taxes.get(path.index?)?.tax)
}

fn named(tax: &Tax) -> String {
    format!(
        "category {} at {} %",
        tax.category.code(),
        tax.rate.normalize()
    )
}

fn quoted(text: Option<&str>) -> String {
    format!("\"{}\"", text.unwrap_or_default())
}
