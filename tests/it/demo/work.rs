//! What customers ask for, what the firm works on and whom it looks for; and what its owner may ask about that.

use bureau::demo;
use chrono::Datelike as _;
use serde_json::{Value, json};

use super::{Firm, list, suggested, text, today};

pub(super) async fn check(firm: &Firm) {
    check_tickets(firm).await;
    check_projects(firm).await;
    check_hiring(firm).await;
    check_time(firm).await;
}

pub(super) async fn count_of(firm: &Firm, tool: &str, filter: Value) -> i64 {
    let mut filter = filter;
    filter["count_only"] = true.into();
    let answer = firm.ask(tool, filter).await;
    answer["page"]["total"].as_i64().unwrap()
}

async fn check_tickets(firm: &Firm) {
    let count = async |text| firm.count(text).await;
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM ticket").await,
        demo::TICKETS as i64
    );
    for statement in [
        // Somebody looks after what was answered, and what is over was answered or merged.
        "SELECT COUNT(*) AS count FROM ticket WHERE assignee IS NULL AND first_response_at IS NOT NULL",
        "SELECT COUNT(*) AS count FROM ticket t WHERE status IN ('solved', 'closed') AND first_response_at IS NULL AND merged_into IS NULL",
        "SELECT COUNT(*) AS count FROM ticket WHERE satisfaction IS NOT NULL AND solved_at IS NULL",
        "SELECT COUNT(*) AS count FROM ticket t JOIN contact c ON c.id = t.requester WHERE c.created_at > t.opened_at",
    ] {
        assert_eq!(count(statement).await, 0, "{statement}");
    }
    suggested("Which tickets will miss their targets next, and who looks after them?");
    let open =
        count("SELECT COUNT(*) AS count FROM ticket WHERE status NOT IN ('solved', 'closed')");
    let open = open.await;
    assert!((1..120).contains(&open), "{open} open tickets");
    let next = firm
        .ask("list_tickets", json!({ "status": "open", "limit": 100 }))
        .await;
    assert_eq!(list(&next).len() as i64, open.min(100));
    let breaches = list(&next)
        .iter()
        .filter_map(|ticket| ticket["next_breach"].as_str());
    let breaches: Vec<&str> = breaches.collect();
    assert!(breaches.is_sorted(), "{breaches:?}");

    suggested("Who gave us one or two stars this year, and why?");
    let year = today().format("%Y-01-01").to_string();
    let filter = json!({ "max_satisfaction": 2, "solved_after": year, "limit": 100 });
    let unhappy = firm.ask("list_tickets", filter).await;
    let unhappy = list(&unhappy).iter();
    assert!(
        unhappy
            .clone()
            .all(|ticket| ticket["satisfaction"].as_i64() <= Some(2))
    );
    let all = "SELECT COUNT(*) AS count FROM ticket WHERE satisfaction <= 2";
    assert!(unhappy.len() as i64 <= count(all).await && count(all).await > 10);

    suggested("Show me the whole conversation of the last ticket about the interfaces.");
    let last = json!({ "product": "interfaces", "sort": "opened_at", "limit": 1 });
    let last = firm.ask("list_tickets", last).await;
    let ticket = firm
        .ask("get_ticket", json!({ "ticket": list(&last)[0]["id"] }))
        .await;
    assert!(
        !ticket["data"]["messages"].as_array().unwrap().is_empty(),
        "{ticket}"
    );

    suggested("How many tickets are open, and how many of them are unassigned?");
    let counted = count_of(firm, "list_tickets", json!({ "status": "open" })).await;
    assert_eq!(counted, open);
    let alone = count(
        "SELECT COUNT(*) AS count FROM ticket WHERE status NOT IN ('solved', 'closed') AND assignee IS NULL",
    );
    let counted = json!({ "status": "open", "unassigned": true });
    assert_eq!(count_of(firm, "list_tickets", counted).await, alone.await);
}

async fn check_projects(firm: &Firm) {
    let count = async |text| firm.count(text).await;
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM project").await,
        demo::PROJECTS as i64
    );
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM task").await,
        demo::TASKS as i64
    );
    for statement in [
        "SELECT COUNT(*) AS count FROM project p JOIN task t ON t.project = p.id WHERE p.status = 'completed' AND t.status IN ('unstarted', 'started', 'backlog')",
        // What the firm does for customers, it sold to them.
        "SELECT COUNT(*) AS count FROM project p WHERE company IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deal d WHERE d.company = p.company AND d.status = 'won' AND d.closed_on <= p.start_on)",
        "SELECT COUNT(*) AS count FROM task_dependency d JOIN task t ON t.id = d.task JOIN task p ON p.id = d.predecessor WHERE t.project <> p.project",
    ] {
        assert_eq!(count(statement).await, 0, "{statement}");
    }
    suggested("How far are our projects, and which of them are late?");
    let active = firm
        .ask("list_projects", json!({ "status": "active" }))
        .await;
    assert!(!list(&active).is_empty(), "{active}");
    assert!(
        list(&active)
            .iter()
            .all(|project| project["progress"].is_string())
    );

    suggested("When can the move to the harbour office be done, and what decides that?");
    let asked = json!({ "project": "Move to the harbour office", "schedule": true });
    let project = firm.ask("get_project", asked).await;
    let schedule = &project["data"]["schedule"];
    assert!(
        text(schedule, "ends_on") >= today().to_string().as_str(),
        "{schedule}"
    );
    let path = schedule["critical_path"].as_array().unwrap();
    let last = path.iter().map(|entry| text(entry, "ends_on")).max();
    assert_eq!(last, Some(text(schedule, "ends_on")));

    suggested("Which tasks of the move to the harbour office can be begun now?");
    let free = json!({ "project": "Move to the harbour office", "blocked": false, "limit": 100 });
    let free = firm.ask("list_tasks", free).await;
    assert!(!list(&free).is_empty());
    for task in list(&free) {
        assert!(task.get("blocked_by").is_none(), "{task}");
    }
    suggested("Find everything that we have about scanners.");
    let found = firm.ask("search_all", json!({ "query": "scanners" })).await;
    let kinds: std::collections::BTreeSet<&str> =
        list(&found).iter().map(|hit| text(hit, "type")).collect();
    assert!(kinds.len() > 1, "{kinds:?}");
}

async fn check_time(firm: &Firm) {
    let count = async |text| firm.count(text).await;
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM time_entry").await,
        demo::TIME_ENTRIES as i64
    );
    let none = "SELECT COUNT(*) AS count FROM time_entry e JOIN task t ON t.id = e.task WHERE t.status IN ('unstarted', 'backlog')";
    assert_eq!(count(none).await, 0, "nobody works on what was not begun");
    // What is billed is on an invoice to the client of its project.
    let other = "SELECT COUNT(*) AS count FROM time_entry e JOIN project p ON p.id = e.project JOIN invoice i ON i.id = e.invoice WHERE i.company <> p.company";
    assert_eq!(count(other).await, 0);
    let billed = count("SELECT COUNT(*) AS count FROM time_entry WHERE invoice IS NOT NULL").await;
    assert!(billed > 100, "{billed} entries are billed");

    suggested("How many hours of the rollouts are not billed yet, and what are they worth?");
    let filter = json!({ "billed": false, "billable": true, "limit": 1 });
    let unbilled = firm.ask("list_time_entries", filter).await;
    let total = "SELECT COUNT(*) AS count FROM time_entry WHERE invoice IS NULL AND billable";
    let totals = &unbilled["page"]["totals"];
    assert_eq!(totals["entries"].as_i64(), Some(count(total).await));
    assert!(text(totals, "base_amount").len() > 6, "{totals}");

    suggested("Who worked how much last month?");
    let this = today().with_day(1).unwrap();
    let (before, after) = (this.pred_opt().unwrap(), this - chrono::Months::new(1));
    let last = json!({ "member": "Mateo Rossi", "worked_after": after, "worked_before": before, "limit": 1 });
    let last = firm.ask("list_time_entries", last).await;
    assert!(last["page"]["totals"].is_object(), "{last}");
}

async fn check_hiring(firm: &Firm) {
    let count = async |text| firm.count(text).await;
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM candidate").await,
        demo::CANDIDATES as i64
    );
    let hired = count("SELECT COUNT(*) AS count FROM application WHERE status = 'hired'").await;
    assert!((3..=5).contains(&hired), "{hired} hired");
    for statement in [
        "SELECT COUNT(*) AS count FROM application WHERE status = 'rejected' AND reason IS NULL",
        "SELECT COUNT(*) AS count FROM offer o JOIN application a ON a.id = o.application WHERE o.status = 'declined' AND a.status IN ('offer', 'hired')",
    ] {
        assert_eq!(count(statement).await, 0, "{statement}");
    }
    suggested("Who is still in the race for the job as field technician?");
    let filter =
        json!({ "job": "Field Technician", "status": ["in_progress", "offer"], "limit": 100 });
    let race = firm.ask("list_candidates", filter).await;
    let waiting = count(
        "SELECT COUNT(DISTINCT a.candidate) AS count FROM application a JOIN vacancy j ON j.id = a.job WHERE j.title = 'Field Technician' AND a.status IN ('in_progress', 'offer')",
    );
    assert_eq!(list(&race).len() as i64, waiting.await);

    suggested("How long does it take us to hire somebody, and where do the good ones come from?");
    let metrics = firm.ask("get_recruiting_metrics", json!({})).await;
    assert!(
        metrics["data"].to_string().contains("Referral"),
        "{metrics}"
    );
}
