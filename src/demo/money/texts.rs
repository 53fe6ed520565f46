//! What stands in the firm's documents and books.

/// What it takes to begin with a product.
pub(super) const SET_UP: [&str; 4] = [
    "Set-up and introduction",
    "Project management and set-up",
    "Data transfer from the old system",
    "Set-up at your site",
];

/// What stands before the lines of an offer.
pub(super) const INTRODUCTIONS: [&str; 4] = [
    "Thank you for the open talks. We are glad to offer you:",
    "As we discussed with your team, this is our offer:",
    "Thank you for your interest. For your project we offer:",
    "We have taken up the points of our last meeting. This is our offer:",
];

/// What stands after them.
pub(super) const OFFER_NOTES: [&str; 4] = [
    "Prices are without tax. Work starts within four weeks of your order.",
    "Travel within Europe is included.",
    "Licences run for a year and are extended by another one unless you give three months' notice.",
    "Delivery takes two to three weeks.",
];

/// What customers say when they accept.
pub(super) const ACCEPTED: [&str; 4] = [
    "Order by e-mail, signed copy follows",
    "Signed by procurement",
    "Accepted by telephone, confirmed in writing",
    "Purchase order received",
];

/// What stands on an invoice.
pub(super) const INVOICE_NOTES: [&str; 3] = [
    "Thank you for your order.",
    "Thank you for working with us.",
    "Please name the number of the invoice when you pay.",
];

/// Why something is taken back: whole, a part of it before it is paid, a part of it after that.
pub(super) const TAKEN_BACK: [&str; 2] = [
    "Ordered twice by mistake",
    "Charged to the wrong subsidiary",
];
pub(super) const TAKEN_BACK_IN_PART: [&str; 3] = [
    "One was not delivered",
    "One was not needed in the end",
    "One was charged too many",
];
pub(super) const GIVEN_BACK: &str = "One came back unused";

/// Why a payment is reversed.
pub(super) const REVERSED: [&str; 2] = [
    "The bank returned the direct debit",
    "Meant for another supplier, sent back",
];

/// Something that the firm spends money on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) category: &'static str,
    pub(super) what: &'static str,
    pub(super) vendor: &'static str,
    pub(super) currency: &'static str,
    /// The least and the most, in whole units with tax.
    pub(super) amount: (i64, i64),
    /// The tax in it that the firm gets back, in percent.
    pub(super) tax: i64,
}

const fn cost(
    category: &'static str,
    what: &'static str,
    vendor: &'static str,
    currency: &'static str,
    amount: (i64, i64),
    tax: i64,
) -> Cost {
    Cost {
        category,
        what,
        vendor,
        currency,
        amount,
        tax,
    }
}

/// What is paid each month.
pub(super) const MONTHLY: [Cost; 8] = [
    cost(
        "rent",
        "Office rent",
        "Speicherhof Immobilien",
        "EUR",
        (3_391, 3_391),
        19,
    ),
    cost(
        "rent",
        "Office cleaning",
        "Blank & Fein Gebäudedienste",
        "EUR",
        (380, 420),
        19,
    ),
    cost(
        "utilities",
        "Electricity and heating",
        "Spreewerke Energie",
        "EUR",
        (210, 460),
        19,
    ),
    cost(
        "telephone",
        "Telephone and internet",
        "Kabelblau",
        "EUR",
        (178, 205),
        19,
    ),
    cost(
        "software",
        "Hosting of the customers' systems",
        "Nimbus Rack",
        "USD",
        (1_150, 1_720),
        0,
    ),
    cost(
        "software",
        "Design software, five seats",
        "Pencilworks",
        "GBP",
        (132, 132),
        0,
    ),
    cost(
        "software",
        "Data backup",
        "Gletscher Archiv",
        "CHF",
        (145, 190),
        0,
    ),
    cost(
        "accounting",
        "Bookkeeping and payroll",
        "Kanzlei Morgenroth",
        "EUR",
        (520, 610),
        19,
    ),
];

/// What is spent now and then, with how often.
pub(super) const NOW_AND_THEN: [(u64, Cost); 22] = [
    (
        14,
        cost(
            "travel",
            "Train to & and back",
            "Nordbahn",
            "EUR",
            (58, 240),
            7,
        ),
    ),
    (
        9,
        cost(
            "travel",
            "Hotel in &, one night",
            "Hotel am Alten Hafen",
            "EUR",
            (92, 185),
            7,
        ),
    ),
    (
        5,
        cost(
            "travel",
            "Hotel in London, two nights",
            "The Ferrymen's Rest",
            "GBP",
            (240, 410),
            0,
        ),
    ),
    (
        4,
        cost(
            "travel",
            "Hotel in Zürich, one night",
            "Gasthof Limmatblick",
            "CHF",
            (165, 290),
            0,
        ),
    ),
    (
        5,
        cost(
            "travel",
            "Flight to London and back",
            "Brightwing",
            "EUR",
            (140, 390),
            0,
        ),
    ),
    (
        2,
        cost(
            "travel",
            "Flight to Boston and back",
            "Brightwing",
            "EUR",
            (640, 1_150),
            0,
        ),
    ),
    (
        2,
        cost(
            "travel",
            "Hotel in Boston, three nights",
            "Beacon Row Inn",
            "USD",
            (520, 840),
            0,
        ),
    ),
    (
        10,
        cost("travel", "Taxi", "Taxi Kranich", "EUR", (14, 62), 7),
    ),
    (
        5,
        cost("travel", "Fuel", "Tankhof Nord", "EUR", (48, 96), 19),
    ),
    (
        11,
        cost(
            "meals",
            "Lunch with a customer",
            "Gasthaus Zum Anker",
            "EUR",
            (36, 118),
            19,
        ),
    ),
    (
        5,
        cost(
            "meals",
            "Dinner with a customer",
            "Trattoria Fenice",
            "EUR",
            (74, 210),
            19,
        ),
    ),
    (
        4,
        cost(
            "meals",
            "Team breakfast",
            "Bäckerei Sonntag",
            "EUR",
            (22, 58),
            7,
        ),
    ),
    (
        4,
        cost(
            "hardware",
            "Notebook",
            "Rechnerhaus Mitte",
            "EUR",
            (1_190, 2_150),
            19,
        ),
    ),
    (
        4,
        cost(
            "hardware",
            "Monitor",
            "Rechnerhaus Mitte",
            "EUR",
            (240, 520),
            19,
        ),
    ),
    (
        4,
        cost(
            "hardware",
            "Headset",
            "Rechnerhaus Mitte",
            "EUR",
            (89, 169),
            19,
        ),
    ),
    (
        6,
        cost(
            "office",
            "Paper, toner and pens",
            "Papierlager Kreuzberg",
            "EUR",
            (28, 145),
            19,
        ),
    ),
    (
        3,
        cost(
            "office",
            "Printing of handbooks",
            "Papierlager Kreuzberg",
            "EUR",
            (310, 690),
            7,
        ),
    ),
    (
        4,
        cost(
            "training",
            "Course for one colleague",
            "Akademie Oberbaum",
            "EUR",
            (390, 1_260),
            19,
        ),
    ),
    (
        3,
        cost(
            "training",
            "Specialist books",
            "Buchhandlung Lindengrün",
            "EUR",
            (35, 110),
            7,
        ),
    ),
    (
        4,
        cost(
            "marketing",
            "Advertisement in a trade journal",
            "Lager & Linie",
            "EUR",
            (480, 1_340),
            19,
        ),
    ),
    (
        2,
        cost(
            "marketing",
            "Stand at a trade fair",
            "Messe Elbufer",
            "EUR",
            (2_400, 6_800),
            19,
        ),
    ),
    (
        4,
        cost(
            "software",
            "Testing tools, one month",
            "Greenbar Labs",
            "USD",
            (49, 260),
            0,
        ),
    ),
];

/// What is bought to be sold again, from companies that the firm knows.
pub(super) const FOR_SALE: [(&str, (i64, i64)); 3] = [
    ("Handheld scanners", (2_400, 14_500)),
    ("Charging cradles", (420, 1_900)),
    ("Spare batteries", (180, 760)),
];

/// Where colleagues travel to.
pub(super) const TRIPS: [&str; 6] = [
    "Hamburg",
    "Munich",
    "Stuttgart",
    "Leipzig",
    "Cologne",
    "Frankfurt",
];

/// Why an expense is not paid back.
pub(super) const REJECTED: [&str; 3] = [
    "Without a receipt",
    "Private share not taken off",
    "Handed in twice",
];
