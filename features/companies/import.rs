//! Companies from a table.

use bureau_kernel::import::{Field, Import, Reads};
use bureau_kernel::prelude::*;

use crate::company::Company;

impl Import for Company {
    const NAME: &'static str = "companies";
    const TOOL: &'static str = "import_companies";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;
    fn import_fields() -> Vec<Field> {
        vec![
            Field::new(
                "name",
                Reads::Text,
                "company, company name, account, account name, organization, organisation, organization name, firm, firma",
            ),
            Field::new("legal_name", Reads::Text, "registered name, official name"),
            Field::new(
                "website",
                Reads::Text,
                "web site, web page, url, homepage, website url, company website",
            ),
            Field::new(
                "domain",
                Reads::Text,
                "company domain, company domain name, domain name",
            ),
            Field::new("industry", Reads::Text, "sector, branch, branche"),
            Field::new(
                "employees",
                Reads::Number,
                "number of employees, employee count, no. of employees, headcount, mitarbeiter",
            ),
            Field::new("types", Reads::List, "type, company type, account type"),
            Field::new(
                "email",
                Reads::Text,
                "e-mail, mail, email address, e-mail address",
            ),
            Field::new(
                "phone",
                Reads::Text,
                "telephone, phone number, tel, telefon, main phone, switchboard",
            ),
            Field::new(
                "street",
                Reads::Text,
                "address, street address, billing street, address line 1, strasse",
            ),
            Field::new(
                "postal_code",
                Reads::Text,
                "zip, zip code, zip/postal code, postcode, billing zip, plz",
            ),
            Field::new("city", Reads::Text, "town, billing city, stadt, ort"),
            Field::new(
                "region",
                Reads::Text,
                "state, province, state/region, state/province, county, billing state",
            ),
            Field::new(
                "country",
                Reads::Text,
                "country/region, billing country, land",
            ),
            Field::new(
                "vat_id",
                Reads::Text,
                "vat, vat number, vat no, tax id, tax number, ust-idnr, ust-id",
            ),
            Field::new(
                "parent",
                Reads::Record("company"),
                "parent company, parent account, belongs to",
            ),
            Field::new(
                "owner",
                Reads::Record("member"),
                "company owner, account owner, account manager, assigned to",
            ),
            Field::new(
                "tags",
                Reads::List,
                "tag, labels, label, categories, category, keywords",
            ),
            Field::new(
                "source",
                Reads::Text,
                "lead source, original source, origin",
            ),
            Field::new(
                "summary",
                Reads::Text,
                "notes, note, description, comment, comments, about, about us",
            ),
        ]
    }

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }
}
