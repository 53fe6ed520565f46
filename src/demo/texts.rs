//! What people of the firm write down.

/// Something that the firm sells: the name of a deal about it, the lowest and highest price of one, and how many a small
/// company takes at least and a large one at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    /// `#` stands for how many.
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The article number under which it is offered, where it has one.
    pub(super) article: Option<&'static str>,
    pub(super) price: (i64, i64),
    pub(super) amount: (i64, i64),
}

impl Product {
    /// What so many of it are called.
    pub(super) fn called(&self, count: i64) -> String {
        let name = self.name.replace('#', &count.to_string());
        match count {
            1 => name.replace(" sites", " site").replace(" days", " day"),
            _ => name,
        }
    }
}

const fn product(
    name: &'static str,
    about: &'static str,
    article: Option<&'static str>,
    price: (i64, i64),
    amount: (i64, i64),
) -> Product {
    Product {
        name,
        about,
        article,
        price,
        amount,
    }
}

const TRAINING: Product = product(
    "Team training, # days",
    "the training",
    Some("TRN"),
    (1_150, 1_400),
    (2, 14),
);
const INTEGRATION: Product = product(
    "ERP integration",
    "the integration with their ERP system",
    Some("INT"),
    (9_500, 34_000),
    (1, 1),
);
const SHIFTS: Product = product(
    "Shift planning, # employees",
    "shift planning",
    Some("SHP"),
    (28, 45),
    (60, 2_400),
);

/// What is sold to those who make, store or move things.
pub(super) const PRODUCTS: [Product; 8] = [
    product(
        "Warehouse planning, # sites",
        "warehouse planning",
        Some("WHP"),
        (7_800, 11_500),
        (1, 9),
    ),
    product(
        "# handheld scanners",
        "the scanners",
        Some("SCN"),
        (390, 520),
        (8, 180),
    ),
    product(
        "Maintenance planning, # users",
        "maintenance planning",
        Some("MTP"),
        (190, 260),
        (15, 320),
    ),
    product(
        "Route planning, # vehicles",
        "route planning",
        Some("RTP"),
        (240, 330),
        (10, 210),
    ),
    product(
        "Pilot at one site",
        "the pilot",
        None,
        (3_600, 9_800),
        (1, 1),
    ),
    INTEGRATION,
    TRAINING,
    SHIFTS,
];

/// What is sold to the others.
pub(super) const OFFICE_PRODUCTS: [Product; 3] = [INTEGRATION, TRAINING, SHIFTS];

/// What is sold to those who are customers.
pub(super) const RENEWALS: [Product; 3] = [
    product(
        "Support contract, renewal",
        "the renewal of the support contract",
        Some("SUP"),
        (2_400, 5_200),
        (1, 6),
    ),
    product(
        "Licence renewal, # users",
        "the licences",
        Some("LIC"),
        (150, 210),
        (20, 400),
    ),
    product(
        "Extension, # more sites",
        "the extension",
        Some("WHP"),
        (6_900, 9_900),
        (1, 5),
    ),
];

/// Why deals are lost; some reasons are more frequent than others.
pub(super) const LOST: [(&str, u64); 9] = [
    ("Price too high", 24),
    ("Chose a competitor", 20),
    ("No budget this year", 16),
    ("Project postponed", 12),
    ("Went silent", 10),
    ("Stays with the present system", 9),
    ("A function they need is missing", 5),
    ("Builds it in-house", 3),
    ("Our contact left the company", 3),
];

/// Why something was never a deal.
pub(super) const UNQUALIFIED: [&str; 4] = [
    "Too small for us",
    "No project behind the question",
    "Only collects offers",
    "Outside of our field",
];

/// Where people and deals come from, with how frequent each is.
pub(super) const SOURCES: [(&str, u64); 8] = [
    ("website", 24),
    ("referral", 22),
    ("trade fair", 16),
    ("existing customer", 12),
    ("webinar", 9),
    ("LinkedIn", 8),
    ("cold call", 6),
    ("newsletter", 3),
];

/// Labels of people.
pub(super) const TAGS: [&str; 10] = [
    "vip",
    "newsletter",
    "decision maker",
    "technical",
    "budget holder",
    "reference",
    "early adopter",
    "champion",
    "event guest",
    "slow payer",
];

/// What to know about people.
pub(super) const FACTS: [&str; 10] = [
    "Prefers e-mail to the telephone.",
    "Decides together with the finance department.",
    "Knows our product from a former employer.",
    "Wants everything in writing.",
    "Plans the budget in October.",
    "Introduced us to two other firms.",
    "Was unhappy with the former supplier.",
    "Speaks German, English and French.",
    "Best reached before nine in the morning.",
    "Works four days a week, not on Fridays.",
];

/// What to know about companies.
pub(super) const COMPANY_FACTS: [&str; 8] = [
    "Two warehouses, a third one is being built.",
    "Runs an old planning system that nobody maintains any more.",
    "Family-owned in the third generation.",
    "Grew by a fifth last year and is short of space.",
    "Works in three shifts; downtime is expensive.",
    "Buys centrally: every order goes through procurement.",
    "Spreadsheets everywhere; the plant manager wants that to end.",
    "Has a framework agreement with a competitor of ours until next year.",
];

/// What to know about deals. `@` stands for what it is about.
pub(super) const DEAL_FACTS: [&str; 6] = [
    "They want @ before the next season.",
    "Compares us with one other supplier for @.",
    "The board decides about @.",
    "Came up at a site visit: @ would save them a shift a week.",
    "Budget for @ is approved, procurement wants three offers.",
    "Wants @ in steps, the first one at the main site.",
];

/// What to know about deals with those who buy already.
pub(super) const RENEWAL_FACTS: [&str; 4] = [
    "Compares us with one other supplier for @.",
    "Wants a better price for @, in return for two years.",
    "Procurement decides about @ before the end of the quarter.",
    "The plant manager asked for @ by telephone.",
];

/// A kind of activity with what is done: subject, and what may come of it. `@` is what the deal is about, `%` the person.
pub(super) type Talk = (&'static str, &'static str, &'static [&'static str]);

/// What is done in each open stage of a deal, from the first.
pub(super) const BY_STAGE: [&[Talk]; 4] = [
    &[
        (
            "call",
            "First call with % about @",
            &[
                "Interested, wants to know more",
                "Asked us to call again next week",
                "Right person, has a project",
            ],
        ),
        (
            "email",
            "Information about @ for %",
            &[
                "Sent brochure and references",
                "Answered with a few questions",
            ],
        ),
        (
            "call",
            "Call % back",
            &["Not reached, left a message", "Agreed on a meeting"],
        ),
        (
            "task",
            "Read up on the company before the first meeting",
            &["Done"],
        ),
    ],
    &[
        (
            "meeting",
            "Needs analysis with %: @",
            &[
                "Good talk, they see the benefit",
                "Needs to involve IT",
                "Wants a pilot first",
            ],
        ),
        (
            "call",
            "Ask % for budget and timing",
            &[
                "Budget confirmed for this year",
                "Budget only after the summer",
                "Will ask the finance department",
            ],
        ),
        (
            "meeting",
            "Demo of @ for the team",
            &[
                "Well received, two open questions",
                "Shift supervisors were convinced",
                "They miss a report that we can add",
            ],
        ),
        (
            "email",
            "Answers to %'s questions",
            &["Sent", "Forwarded to IT"],
        ),
    ],
    &[
        ("task", "Prepare the offer: @", &["Offer ready and checked"]),
        (
            "email",
            "Offer for @ sent to %",
            &[
                "Received, will be discussed on Monday",
                "Asked for a smaller variant",
            ],
        ),
        (
            "call",
            "Talk the offer through with %",
            &[
                "Wants a discount of ten percent",
                "Fine with the scope, price is the question",
                "Will present it to the board",
            ],
        ),
        (
            "meeting",
            "Site visit with %",
            &[
                "Saw both halls, scope confirmed",
                "One more site to be included",
            ],
        ),
    ],
    &[
        (
            "call",
            "Negotiate terms with %",
            &[
                "Agreed on payment in two parts",
                "Wants net 45, we said net 30",
                "Legal has the contract",
            ],
        ),
        (
            "email",
            "Revised contract for @",
            &["Sent to legal", "Signed copy is on its way"],
        ),
        (
            "meeting",
            "Contract review with % and procurement",
            &["Two clauses open", "All points settled"],
        ),
    ],
];

/// What is done with people beside any deal.
pub(super) const CARE: [Talk; 11] = [
    (
        "call",
        "Check in with %",
        &[
            "All is well",
            "Happy with the support",
            "Wants to talk about more users",
            "Not reached, tries again next month",
        ],
    ),
    (
        "meeting",
        "Quarterly review with %",
        &[
            "Usage is growing",
            "Asked for a training for new colleagues",
            "Two wishes for the next version",
        ],
    ),
    (
        "email",
        "Invitation to the user day for %",
        &["Accepted", "Sends a colleague", "No answer yet"],
    ),
    ("email", "Season's newsletter to %", &["Sent"]),
    (
        "call",
        "Satisfaction call with %",
        &["Nine out of ten", "Seven out of ten: waiting times"],
    ),
    ("note", "Met % at the trade fair", &[]),
    ("note", "% changed the department", &[]),
    ("note", "What % told us about their plans", &[]),
    ("task", "Update %'s details", &["Done"]),
    ("task", "Send the case study to %", &["Sent"]),
    (
        "call",
        "% asked about delivery times",
        &["Explained, offer follows if needed", "Solved on the phone"],
    ),
];

/// The text of notes and meetings.
pub(super) const BODIES: [&str; 8] = [
    "They use an old system and want to leave it before the support ends.",
    "Three people were there: operations, IT and finance. IT asks for single sign-on.",
    "The second hall opens in spring. Until then nothing changes.",
    "Main point is the handover between shifts; everything else is secondary.",
    "They compare us with one other supplier. Price is not the first criterion.",
    "Wants a reference from the same trade. I promised to ask.",
    "Decision is made in the meeting at the end of the month.",
    "The data protection officer wants to see where the data is kept.",
];

/// What is planned with people beside any deal, and is still to be done.
pub(super) const PLANNED: [(&str, &str); 10] = [
    ("call", "Check in with %"),
    ("task", "Prepare the quarterly review for %"),
    ("meeting", "Quarterly review with %"),
    ("email", "Ask % for a reference"),
    ("call", "Welcome call with %"),
    ("task", "Send % the new price list"),
    ("task", "Check the support contract of %'s company"),
    ("call", "Ask % about the training"),
    ("email", "Thank % for the recommendation"),
    ("meeting", "Lunch with %"),
];

/// What comes next for a deal in each open stage. `@` and `%` as above.
pub(super) const NEXT_STEP: [&[(&str, &str)]; 4] = [
    &[
        ("call", "Call % back about @"),
        ("email", "Send % the references"),
    ],
    &[
        ("meeting", "Demo of @ with %"),
        ("call", "Ask % for the budget"),
    ],
    &[
        ("call", "Follow up on the offer with %"),
        ("task", "Send the revised offer: @"),
    ],
    &[
        ("call", "Final terms with %"),
        ("task", "Chase the signature: @"),
    ],
];

/// What the firm notes when a deal is won.
pub(super) const WON_NOTES: [&str; 4] = [
    "Order for @ is in, kick-off to be planned",
    "% confirmed by telephone, signed contract arrived",
    "Handed @ over to the project team",
    "Signed. Thanks to the reference visit",
];
