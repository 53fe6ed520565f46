//! `search_companies`

use bureau_kernel::prelude::*;

use crate::COMPANIES;
use crate::company::Company;

impl Listed for Company {
    const QUERY: Option<&'static str> = Some("Part of name, website, address, tag");
    const SORT: &'static str = "Default relevance or name";
    const USUAL: &'static str = "name";
    const BY_CREATION: bool = true;
    const BY_CONTACT: bool = true;
}

impl Listable for Company {
    const SPEC: Spec = Spec::reads("search_companies", COMPANIES.read)
        .title("Search companies")
        .core()
        .about("Search companies by any part of their data, or list them with filters.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Find the brewery in Cologne",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Kölner Bräu", "industry": "Brewery", "city": "Köln", "types": ["customer"]}"#,
                keep: &[("brew", "/data/id")],
            }],
            arguments: r#"{"query": "brewery koln"}"#,
            expect: &[("/data/0/id", r#""{brew}""#)],
        },
        Example {
            title: "Which customers do we have in Cologne?",
            before: &[],
            arguments: r#"{"type": "customer", "city": "köln", "sort": "name"}"#,
            expect: &[
                ("/data/0/id", r#""{brew}""#),
                ("/data/0/industry", r#""Brewery""#),
            ],
        },
    ];
}
