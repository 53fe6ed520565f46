//! What a caller may have meant by a name that there is not: the same thing in other words, or else in another spelling.

use crate::types::text::nearest;

/// Words for fields and values that stand for each other; the first of a row that is known is suggested.
const ALIKE: &[&[&str]] = &[
    &["name", "title", "subject", "label", "headline"],
    &["type", "kind", "category", "sort_of"],
    &["status", "state", "stage"],
    &["due_at", "due_date", "due", "deadline"],
    &["due_before", "before", "until", "to", "end", "end_date"],
    &["due_after", "after", "since", "from", "start", "start_date"],
    &["emails", "email", "e_mail", "mail", "email_address"],
    &["phones", "phone", "telephone", "mobile", "phone_number"],
    &["amount", "value", "sum", "total", "worth"],
    &["unit_price", "price", "rate", "cost"],
    &["lines", "items", "line_items", "positions", "rows"],
    &["quantity", "qty", "count", "units"],
    &[
        "body",
        "description",
        "summary",
        "note",
        "notes",
        "comment",
        "text",
        "details",
    ],
    &[
        "owner",
        "assignee",
        "assigned_to",
        "responsible",
        "member",
        "user",
    ],
    &[
        "company",
        "organization",
        "organisation",
        "account",
        "firm",
        "customer",
        "client",
    ],
    &["contact", "person", "people"],
    &["deal", "opportunity", "lead"],
    &["domain", "website", "url", "homepage"],
    &["query", "search", "q", "term", "keyword"],
    &["limit", "page_size", "per_page", "max"],
    &["cursor", "page", "offset", "next"],
    &["sort", "order", "order_by", "sort_by"],
    &["expected_close", "close_date", "closing_date"],
    &["close_after", "expected_close_after"],
    &["close_before", "expected_close_before"],
    &["closed_after", "won_after", "lost_after"],
    &["closed_before", "won_before", "lost_before"],
    &["done_after", "completed_after"],
    &["done_before", "completed_before"],
    &[
        "last_contacted_after",
        "last_activity_after",
        "contacted_after",
    ],
    &[
        "last_contacted_before",
        "last_activity_before",
        "contacted_before",
        "not_contacted_since",
    ],
    &["reference", "ref", "number", "purchase_order"],
    &[
        "open",
        "unpaid",
        "outstanding",
        "todo",
        "to_do",
        "pending",
        "active",
    ],
    &["done", "completed", "complete", "finished", "closed"],
    &["won", "win", "signed"],
    &["lost", "lose"],
    &["overdue", "late", "past_due"],
    &["declined", "rejected", "refused"],
];
/// What turns a word into its opposite.
const NEGATIONS: &[&str] = &["un", "in", "non", "not_", "no_", "non_", "dis"];

/// The known name that is meant by `word`: as its singular or plural or with `_id`, as another word for it, or as one that
/// is spelled nearly like it and is not its opposite.
pub(crate) fn suggest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let word: String = word
        .trim()
        .chars()
        .take(64)
        .collect::<String>()
        .to_lowercase();
    let word = word.replace([' ', '-'], "_");
    let bare = word
        .strip_suffix("_ids")
        .or(word.strip_suffix("_id"))
        .unwrap_or(&word);
    let is = |name: &str| {
        name == bare || name.strip_suffix('s') == Some(bare) || bare.strip_suffix('s') == Some(name)
    };
    if let Some(name) = known.clone().find(|name| is(name)) {
        return Some(name);
    }
    let in_other_words = ALIKE
        .iter()
        .filter(|row| row.contains(&bare))
        .find_map(|row| {
            row.iter()
                .find_map(|other| known.clone().find(|name| name == other))
        });
    in_other_words.or_else(|| nearest(&word, known.filter(|name| !is_opposite(&word, name))))
}

/// What a range of days begins and ends with, where nobody says of which days.
const BEGINS: &[&str] = &[
    "from",
    "since",
    "after",
    "start",
    "start_date",
    "date_from",
    "from_date",
    "begin",
];
const ENDS: &[&str] = &[
    "to", "until", "till", "before", "end", "end_date", "date_to", "to_date",
];

/// The parameters that one end of a range of days may mean where there are several such ranges: all that begin, or all that end.
pub(crate) fn ends_of_ranges<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.trim().to_lowercase().replace([' ', '-'], "_");
    let side = match word.as_str() {
        word if BEGINS.contains(&word) => "_after",
        word if ENDS.contains(&word) => "_before",
        _ => return Vec::new(),
    };
    known.filter(|name| name.ends_with(side)).collect()
}

fn is_opposite(word: &str, name: &str) -> bool {
    let negates = |long: &str, short: &str| {
        NEGATIONS
            .iter()
            .any(|prefix| long.strip_prefix(prefix) == Some(short))
    };
    negates(word, name) || negates(name, word)
}

/// Verbs of tools that do the same kind of thing, and what else they are called.
const VERBS: &[&[&str]] = &[
    &[
        "search", "list", "get", "find", "read", "show", "fetch", "lookup", "query", "view",
    ],
    &["create", "add", "new", "make", "insert"],
    &[
        "update", "edit", "change", "modify", "set", "patch", "rename", "move", "assign",
        "reassign", "tag", "win", "lose", "reopen",
    ],
    &["delete", "remove", "erase", "archive", "destroy"],
    &["complete", "finish"],
    &["issue", "finalize", "finalise"],
    &["record", "register", "book"],
    &["undo", "revert", "rollback"],
];

/// Things that are kept as others: what a tool for them would be called, and what its place is taken by.
const KEPT_AS: &[(&[&str], &str)] = &[
    (
        &[
            "note", "call", "task", "meeting", "email", "reminder", "todo", "event", "log",
        ],
        "activity",
    ),
    (
        &["person", "people", "lead", "client", "customer"],
        "contact",
    ),
    (
        &["organization", "organisation", "account", "firm"],
        "company",
    ),
    (&["opportunity"], "deal"),
    (&["offer", "quote", "estimate", "proposal"], "quotation"),
    (&["member", "user", "colleague"], "team_member"),
    (&["history", "change"], "audit_log"),
];

/// What a thing is kept as, in the singular.
fn kept_as(thing: &str) -> Option<&'static str> {
    let one = singular(thing);
    let mut kept = KEPT_AS.iter();
    kept.find(|(names, _)| names.contains(&one.as_str()))
        .map(|(_, kept)| *kept)
}

fn singular(thing: &str) -> String {
    match (thing.strip_suffix("ies"), thing.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(one)) if !one.ends_with('s') => one.to_owned(),
        _ => thing.to_owned(),
    }
}

/// The tool that is meant by `name`: one for the same thing whose verb means the same or is spelled nearly alike. Who wants to
/// delete something is never pointed to a tool that reads or changes it.
pub(crate) fn suggest_tool<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let name: String = name
        .trim()
        .chars()
        .take(64)
        .collect::<String>()
        .to_lowercase();
    let (verb, thing) = name.split_once('_').unwrap_or((&name, ""));
    let row = |verb: &str| VERBS.iter().position(|row| row.contains(&verb));
    let wanted = row(verb);
    known
        .filter_map(|tool| {
            let (its_verb, its_thing) = tool.split_once('_').unwrap_or((tool, ""));
            let verbs = strsim::jaro_winkler(verb, its_verb);
            let fits = match wanted {
                Some(wanted) => row(its_verb) == Some(wanted),
                None => verbs > 0.85,
            };
            let is_kept_so = wanted.is_some() && kept_as(thing) == Some(&singular(its_thing));
            let things = if is_kept_so {
                0.9
            } else {
                strsim::jaro_winkler(thing, its_thing)
            };
            (fits && things > 0.8).then_some((things + verbs / 10.0, tool))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, tool)| tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(word: &str, known: &[&'static str]) -> Option<&'static str> {
        suggest(word, known.iter().copied())
    }

    #[test]
    fn another_word_for_it_is_understood() {
        let activity = ["type", "subject", "body", "due_at", "assignee", "contact"];
        assert_eq!(suggested("title", &activity), Some("subject"));
        assert_eq!(suggested("kind", &activity), Some("type"));
        assert_eq!(suggested("due", &activity), Some("due_at"));
        assert_eq!(suggested("owner", &activity), Some("assignee"));
        assert_eq!(suggested("contact_id", &activity), Some("contact"));
        assert_eq!(suggested("items", &["company", "lines"]), Some("lines"));
        assert_eq!(suggested("email", &["name", "emails"]), Some("emails"));
        assert_eq!(suggested("value", &["name", "amount"]), Some("amount"));
    }

    #[test]
    fn an_end_of_a_range_of_days_means_any_such_range() {
        let ranges = [
            "query",
            "due_after",
            "due_before",
            "done_after",
            "done_before",
        ];
        let ends = |word| ends_of_ranges(word, ranges.into_iter());
        assert_eq!(ends("from"), ["due_after", "done_after"]);
        assert_eq!(ends("End Date"), ["due_before", "done_before"]);
        assert_eq!(ends("query"), [""; 0]);
        assert!(ends_of_ranges("from", ["name"].into_iter()).is_empty());
    }

    #[test]
    fn an_opposite_is_never_suggested() {
        let statuses = ["draft", "open", "paid", "overdue"];
        assert_eq!(suggested("unpaid", &statuses), Some("open"));
        assert_eq!(suggested("unpaid", &["draft", "paid"]), None);
        assert_eq!(suggested("inactive", &["active", "archived"]), None);
    }

    #[test]
    fn a_tool_is_suggested_for_the_same_thing_and_never_across_its_verb() {
        let tools = [
            "create_contact",
            "get_contact",
            "search_contacts",
            "search_companies",
            "update_contact",
            "list_deals",
            "update_deal",
        ];
        let suggested = |name: &str| suggest_tool(name, tools.into_iter());
        assert_eq!(suggested("delete_contact"), None);
        assert_eq!(suggested("remove_contact"), None);
        assert_eq!(suggested("list_contacts"), Some("search_contacts"));
        assert_eq!(suggested("serch_contacts"), Some("search_contacts"));
        assert_eq!(suggested("add_contact"), Some("create_contact"));
        assert_eq!(suggested("edit_contact"), Some("update_contact"));
        assert_eq!(suggested("get_deals"), Some("list_deals"));
        assert_eq!(suggested("create_invoice"), None);
        assert_eq!(suggested("create_person"), Some("create_contact"));
        assert_eq!(suggested("find_organisations"), Some("search_companies"));
        assert_eq!(suggested("list_opportunities"), Some("list_deals"));
        assert_eq!(suggested("delete_person"), None);
        assert_eq!(suggested("win_deal"), Some("update_deal"));
        assert_eq!(suggested("move_deal"), Some("update_deal"));
        assert_eq!(suggested("win_ticket"), None);
    }

    #[test]
    fn a_slip_of_the_hand_is_understood_and_nonsense_is_not() {
        assert_eq!(
            suggested("compnay", &["company", "contact"]),
            Some("company")
        );
        assert_eq!(suggested("zzz", &["company", "contact"]), None);
    }
}
