//! The rules of the tickets module: clocks, policies, breaches, messages, handovers, merging, lists.

use std::sync::Arc;

use bureau_kernel::admin::{self, NewMember, NewTeam};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::scheduler::{Scheduler, Ticked};
use bureau_kernel::store::clock::Clock;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::time::Timestamp;
use chrono::Duration;
use serde_json::{Value, json};

use crate::MODULES;

/// A desk in Berlin that is there from nine to five, on a Tuesday at ten.
struct Office {
    app: TestApp,
    owner: Caller,
    clock: Clock,
    scheduler: Scheduler,
}

const TEN: &str = "2026-11-17T09:00:00Z";

impl Office {
    async fn new(engine: Engine) -> Self {
        let clock = Clock::at(TEN.parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let office = Self {
            owner: app.owner().await,
            scheduler: Scheduler::new(Arc::clone(&app.dispatcher)),
            app,
            clock,
        };
        office
            .arrange(json!({
                "calendars": [{
                    "name": "Business hours", "time_zone": "Europe/Berlin",
                    "hours": ["mon-fri 09:00-17:00"],
                }],
                "policies": [{
                    "name": "Default", "first_response_minutes": 120,
                    "next_response_minutes": 60, "resolution_minutes": 480,
                }],
            }))
            .await;
        office
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.app.data(&self.owner, tool, arguments).await
    }

    async fn error(&self, tool: &str, arguments: Value) -> Error {
        self.app.error(&self.owner, tool, arguments).await
    }

    async fn arrange(&self, arguments: Value) -> Value {
        self.call("update_ticket_settings", arguments).await
    }

    /// A ticket with what a customer wrote.
    async fn ticket(&self, subject: &str, more: Value) -> String {
        let mut arguments = json!({ "subject": subject, "message": "Help!" });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        let made = self.call("create_ticket", arguments).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, ticket: &str) -> Value {
        self.call("get_ticket", json!({ "ticket": ticket })).await
    }

    async fn say(&self, ticket: &str, r#type: &str, more: Value) -> Value {
        let mut arguments = json!({ "ticket": ticket, "type": r#type, "body": "Well." });
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        self.call("create_ticket_message", arguments).await
    }

    async fn turn(&self, ticket: &str, status: &str) -> Value {
        let arguments = json!({ "ticket": ticket, "status": status });
        self.call("update_ticket", arguments).await
    }

    fn step(&self, minutes: i64) {
        self.clock.step(Duration::minutes(minutes));
    }

    async fn tick(&self) -> Ticked {
        let ticked = self.scheduler.tick(self.clock.now()).await.unwrap();
        assert_eq!((ticked.failed, ticked.rests), (0, false), "{ticked:?}");
        ticked
    }

    async fn listed(&self, arguments: Value) -> Vec<String> {
        let rows = self.call("list_tickets", arguments).await;
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["subject"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn clock<'a>(ticket: &'a Value, name: &str) -> &'a Value {
    let clocks = ticket["clocks"].as_array().unwrap();
    let found = clocks.iter().find(|clock| clock["clock"] == name);
    found.unwrap_or_else(|| panic!("{name} in {clocks:?}"))
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_requester_who_is_unknown_is_made_and_found_the_next_time() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let company = json!({ "name": "Acme" });
        let company = office.call("create_company", company).await;
        let first = json!({ "subject": "A", "requester_email": "Ada Acme <Ada@acme.example>" });
        let first = office.call("create_ticket", first).await;
        assert_eq!(first["number"], "TIC-0001");
        assert_eq!(first["requester"]["name"], "Ada Acme");
        let contact = first["requester"]["id"].clone();
        let employed = json!({ "contact": contact, "company_id": company["id"] });
        office.call("update_contact", employed).await;
        let second = json!({ "subject": "B", "requester_email": "ada@ACME.example" });
        let second = office.call("create_ticket", second).await;
        assert_eq!(second["number"], "TIC-0002");
        assert_eq!(second["requester"]["id"], contact);
        assert_eq!(second["company"]["name"], "Acme");
        // By the number, wherever an identifier is taken.
        let read = office.get("tic-0002").await;
        assert_eq!(read["id"], second["id"]);
        let none = json!({ "subject": "C", "requester_email": "Nobody" });
        let error = office.error("create_ticket", none).await;
        assert_eq!(error.field_name(), Some("requester_email"));
        let both =
            json!({ "subject": "C", "requester": contact, "requester_email": "a@b.example" });
        let error = office.error("create_ticket", both).await;
        assert_eq!(error.field_name(), Some("requester_email"));
        // Whoever may only open tickets may bring in who asks, and learns nothing of contacts.
        let narrow = office.app.limited(&office.owner, &["create_tickets"]);
        let third = json!({ "subject": "D", "requester_email": "new@acme.example" });
        let third = office.app.data(&narrow, "create_ticket", third).await;
        assert!(third["requester"]["name"].is_null(), "{third}");
    }
}

#[tokio::test]
async fn clocks_run_in_working_time_and_only_a_members_public_message_answers() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Slow", json!({})).await;
        let fresh = office.get(&id).await;
        // Ten o'clock and two hours; and eight hours, of which one is left for the next day.
        let first = clock(&fresh, "first_response");
        assert_eq!(moment(&first["due_at"]), at("2026-11-17T11:00:00Z"));
        let last = clock(&fresh, "resolution");
        assert_eq!(moment(&last["due_at"]), at("2026-11-18T09:00:00Z"));
        assert_eq!(moment(&fresh["next_breach"]), at("2026-11-17T11:00:00Z"));
        office.step(10);
        office.say(&id, "note", json!({})).await;
        office.say(&id, "automatic", json!({})).await;
        let draft = office.say(&id, "draft", json!({})).await;
        assert_eq!(draft["public"], false);
        let waits = office.get(&id).await;
        assert!(waits["first_response_at"].is_null());
        assert_eq!(waits["status"], "new");
        office.step(20);
        let sent = json!({ "ticket": id, "type": "reply", "draft": draft["id"] });
        let sent = office.call("create_ticket_message", sent).await;
        assert_eq!(sent["id"], draft["id"]);
        assert_eq!(
            (sent["public"].clone(), sent["body"].clone()),
            (json!(true), json!("Well."))
        );
        let answered = office.get(&id).await;
        assert_eq!(answered["status"], "open");
        assert_eq!(answered["first_response_minutes"], 30);
        assert_eq!(clock(&answered, "first_response")["state"], "met");
        assert!(answered["waiting_since"].is_null());
        // The next one is not the first.
        office.step(60);
        office.say(&id, "reply", json!({})).await;
        assert_eq!(office.get(&id).await["first_response_minutes"], 30);
        // Each message that waits has a clock of its own.
        office.say(&id, "customer", json!({})).await;
        office.step(15);
        office.say(&id, "customer", json!({})).await;
        let waits = office.get(&id).await;
        let next = waits["clocks"].as_array().unwrap().iter();
        let next: Vec<Timestamp> = next
            .filter(|clock| clock["clock"] == "next_response")
            .map(|clock| moment(&clock["due_at"]))
            .collect();
        assert_eq!(
            next,
            [at("2026-11-17T11:30:00Z"), at("2026-11-17T11:45:00Z")]
        );
        assert_eq!(moment(&waits["next_breach"]), next[0]);
        assert_eq!(moment(&waits["waiting_since"]), at("2026-11-17T10:30:00Z"));
    }
}

#[tokio::test]
async fn what_is_pending_is_opened_by_the_customer_and_resumes_then() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Ping", json!({})).await;
        office.step(60);
        let asked = office
            .say(&id, "reply", json!({ "status": "pending" }))
            .await;
        assert_eq!(asked["ticket"]["status"], "pending");
        // Nothing runs.
        assert!(asked["ticket"]["next_breach"].is_null());
        assert_eq!(
            clock(&office.get(&id).await, "resolution")["state"],
            "paused"
        );
        // Two days and half an hour later.
        office.step(2 * 24 * 60 + 30);
        let wrote = office.say(&id, "customer", json!({})).await;
        assert_eq!(wrote["ticket"]["status"], "open");
        let read = office.get(&id).await;
        assert_eq!(read["paused_minutes"], 2 * 480 + 30);
        let last = clock(&read, "resolution");
        assert_eq!(
            (last["taken_minutes"].clone(), last["state"].clone()),
            (json!(60), json!("running"))
        );
        // Of eight hours seven are left, and it is half past eleven.
        assert_eq!(moment(&last["due_at"]), at("2026-11-20T09:30:00Z"));
        // A message of before opens it as of then.
        office.step(30);
        office.turn(&id, "pending").await;
        office.step(60);
        let sent = json!({ "sent_at": "2026-11-19T11:10:00Z" });
        office.say(&id, "customer", sent).await;
        assert_eq!(office.get(&id).await["paused_minutes"], 2 * 480 + 30 + 10);
        // What is on hold waits for somebody else.
        let hold = json!({ "ticket": id, "hold_reason": "waiting for supplier" });
        let held = office.call("update_ticket", hold).await;
        assert_eq!(
            (held["status"].clone(), held["hold_reason"].clone()),
            (json!("on_hold"), json!("Waiting for supplier"))
        );
        let wrote = office.say(&id, "customer", json!({})).await;
        assert_eq!(wrote["ticket"]["status"], "on_hold");
        let early =
            json!({ "ticket": id, "type": "customer", "body": "x", "sent_at": "2026-11-01" });
        let error = office.error("create_ticket_message", early).await;
        assert_eq!(error.field_name(), Some("sent_at"));
    }
}

#[tokio::test]
async fn which_statuses_and_reasons_pause_is_arranged() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let reasons = json!([{ "name": "Lazy", "pauses": false }, { "name": "Supplier" }]);
        office
            .arrange(json!({ "pausing": ["on_hold"], "hold_reasons": reasons }))
            .await;
        let id = office.ticket("Held", json!({})).await;
        let hold = |reason: &str| json!({ "ticket": id, "hold_reason": reason });
        for (arguments, minutes, paused) in [
            (hold("supplier"), 30, 30),
            (hold("lazy"), 20, 30),
            (json!({ "ticket": id, "status": "pending" }), 10, 30),
            (hold("supplier"), 5, 35),
        ] {
            office.call("update_ticket", arguments.clone()).await;
            office.step(minutes);
            let read = office.get(&id).await;
            assert_eq!(read["paused_minutes"], paused, "{arguments}");
        }
        let wrong = office.error("update_ticket", hold("suplier")).await;
        assert_eq!(wrong.field_name(), Some("hold_reason"));
        let stops = json!({ "pausing": ["solved"] });
        let error = office.error("update_ticket_settings", stops).await;
        assert_eq!(error.field_name(), Some("pausing"));
    }
}

#[tokio::test]
async fn a_breach_is_recorded_once_and_stays() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Late", json!({})).await;
        assert_eq!(office.tick().await.done, 0);
        assert!(office.listed(json!({ "sla": "at_risk" })).await.is_empty());
        // At 80 percent of two hours it warns.
        office.step(97);
        assert_eq!(office.listed(json!({ "sla": "at_risk" })).await, ["Late"]);
        assert!(office.listed(json!({ "sla": "breached" })).await.is_empty());
        assert_eq!(office.get(&id).await["sla"], "at_risk");
        office.step(24);
        // Noticed on reading, before anybody recorded it.
        let read = office.get(&id).await;
        assert_eq!(
            (read["sla"].clone(), read["breaches"].clone()),
            (json!("breached"), Value::Null)
        );
        assert_eq!(clock(&read, "first_response")["state"], "late");
        assert_eq!(
            office.listed(json!({ "sla": ["breached"] })).await,
            ["Late"]
        );
        assert!(office.listed(json!({ "sla": "at_risk" })).await.is_empty());
        assert_eq!(office.tick().await.done, 1);
        assert_eq!(office.tick().await.done, 0);
        let read = office.get(&id).await;
        let breaches = read["breaches"].as_array().unwrap();
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0]["clock"], "first_response");
        assert_eq!(breaches[0]["target_minutes"], 120);
        assert_eq!(moment(&breaches[0]["due_at"]), at("2026-11-17T11:00:00Z"));
        assert!(breaches[0]["ended_at"].is_null());
        // It stays whatever becomes of policy and priority.
        office
            .arrange(json!({ "policies": [{ "name": "Patient", "priorities": ["low"], "first_response_minutes": 10_000 }] }))
            .await;
        let low = json!({ "ticket": id, "priority": "low" });
        let low = office.call("update_ticket", low).await;
        assert_eq!(low["policy"]["name"], "Patient");
        office.step(29);
        office.say(&id, "reply", json!({})).await;
        let read = office.get(&id).await;
        let breaches = read["breaches"].as_array().unwrap();
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert_eq!(
            (
                breaches[0]["minutes_taken"].clone(),
                breaches[0]["minutes_over"].clone()
            ),
            (json!(150), json!(30))
        );
        assert_eq!(read["sla"], "breached");
        office.tick().await;
        assert_eq!(
            office.get(&id).await["breaches"].as_array().unwrap().len(),
            1
        );
    }
}

#[tokio::test]
async fn what_was_answered_in_time_is_no_breach_however_late_that_is_noted() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Offline", json!({})).await;
        office.step(180);
        office.tick().await;
        assert_eq!(
            office.get(&id).await["breaches"].as_array().unwrap().len(),
            1
        );
        let sent = json!({ "sent_at": "2026-11-17T10:15:00Z" });
        office.say(&id, "reply", sent).await;
        let read = office.get(&id).await;
        assert!(read["breaches"].is_null());
        assert_eq!(
            (read["sla"].clone(), read["first_response_minutes"].clone()),
            (json!("on_track"), json!(75))
        );
        // So is one that is noted when it is done already.
        let old =
            json!({ "subject": "Old", "opened_at": "2026-11-10T09:00:00Z", "status": "solved" });
        let old = office.call("create_ticket", old).await;
        let old = office.get(old["id"].as_str().unwrap()).await;
        let clocks = old["breaches"].as_array().unwrap().iter();
        let clocks: Vec<&str> = clocks.map(|one| one["clock"].as_str().unwrap()).collect();
        assert_eq!(
            (clocks, old["sla"].clone()),
            (vec!["first_response", "resolution"], json!("breached"))
        );
        // One that is late and was never noted by anybody is recorded with its answer.
        let late = office.ticket("Busy", json!({})).await;
        office.step(3 * 60);
        office.say(&late, "reply", json!({})).await;
        let read = office.get(&late).await;
        assert_eq!(read["breaches"][0]["minutes_over"], 60);
    }
}

#[tokio::test]
async fn solving_keeps_the_first_resolution_and_the_customer_opens_again() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Twice", json!({})).await;
        office.step(60);
        let solved = office.turn(&id, "solved").await;
        assert_eq!(
            (
                solved["first_resolution_minutes"].clone(),
                solved["resolution_minutes"].clone()
            ),
            (json!(60), json!(60))
        );
        assert!(solved["next_breach"].is_null());
        office.step(120);
        let again = office.say(&id, "customer", json!({})).await;
        assert_eq!(again["ticket"]["status"], "open");
        let open = office.get(&id).await;
        assert_eq!(
            (open["reopened"].clone(), open["resolution_minutes"].clone()),
            (json!(1), Value::Null)
        );
        office.step(30);
        let closed = office.turn(&id, "closed").await;
        assert_eq!(
            (
                closed["first_resolution_minutes"].clone(),
                closed["resolution_minutes"].clone()
            ),
            (json!(60), json!(90))
        );
        let late = json!({ "ticket": id, "type": "customer", "body": "Me again" });
        let error = office.error("create_ticket_message", late).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("ticket"))
        );
        let new = office
            .error("update_ticket", json!({ "ticket": id, "status": "new" }))
            .await;
        assert_eq!(new.field_name(), Some("status"));
    }
}

#[tokio::test]
async fn policies_are_tried_in_order_and_the_default_one_cannot_be_switched_off() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let company = office
            .call("create_company", json!({ "name": "Gold Ltd" }))
            .await;
        let shown = office
            .arrange(json!({
                "calendars": [{ "name": "Always", "hours": ["daily 00:00-24:00"], "time_zone": "UTC" }],
                "policies": [
                    { "name": "Gold", "position": 1, "company": "Gold Ltd", "first_response_minutes": 15, "calendar": "always" },
                    { "name": "Urgent", "position": 2, "priorities": ["urgent", "high"], "first_response_minutes": 30 },
                    { "name": "Tagged", "position": 3, "tags": ["VIP"], "channels": ["phone"], "resolution_minutes": 60 },
                ],
            }))
            .await;
        let policies = shown["settings"]["policies"].as_array().unwrap();
        let names: Vec<&str> = policies
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["Gold", "Urgent", "Tagged", "Default"]);
        assert_eq!(policies[1]["calendar"], "Business hours");
        for (more, policy) in [
            (
                json!({ "company": company["id"], "priority": "urgent" }),
                "Gold",
            ),
            (json!({ "priority": "high" }), "Urgent"),
            (json!({ "tags": ["vip"], "channel": "phone" }), "Tagged"),
            (json!({ "tags": ["vip"], "channel": "email" }), "Default"),
            (json!({}), "Default"),
        ] {
            let id = office.ticket(policy, more).await;
            assert_eq!(office.get(&id).await["policy"]["name"], policy);
        }
        for (change, code, field) in [
            (
                json!({ "name": "Default", "disabled": true }),
                Code::Validation,
                "policies[0].disabled",
            ),
            (
                json!({ "name": "default", "tags": ["x"] }),
                Code::Validation,
                "policies[0].tags",
            ),
            (
                json!({ "name": "Default", "remove": true }),
                Code::Conflict,
                "policies[0].name",
            ),
            (
                json!({ "name": "None", "calendar": "Nowhere" }),
                Code::NotFound,
                "policies[0].calendar",
            ),
        ] {
            let arguments = json!({ "policies": [change] });
            let error = office
                .error("update_ticket_settings", arguments.clone())
                .await;
            assert_eq!(
                (error.code(), error.field_name()),
                (code, Some(field)),
                "{arguments}"
            );
        }
        let never = json!({ "calendars": [{ "name": "Never", "hours": ["mon 09:00-09:00x"] }] });
        let error = office.error("update_ticket_settings", never).await;
        assert_eq!(error.field_name(), Some("calendars[0].hours[0]"));
        let never = json!({ "calendars": [{ "name": "Never" }] });
        let error = office.error("update_ticket_settings", never).await;
        assert_eq!(error.field_name(), Some("calendars[0].hours"));
        let used = json!({ "calendars": [{ "name": "Always", "remove": true }] });
        let error = office.error("update_ticket_settings", used).await;
        assert_eq!(error.code(), Code::Conflict);
    }
}

#[tokio::test]
async fn a_change_of_policy_sets_open_tickets_anew_and_what_is_done_keeps_what_it_had() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let open = office.ticket("Open", json!({})).await;
        let done = office.ticket("Done", json!({})).await;
        office.step(60);
        office.say(&done, "reply", json!({})).await;
        let before = office.turn(&done, "solved").await;
        let change = json!({
            "calendars": [{ "name": "Business hours", "hours": ["mon-fri 09:00-12:00"] }],
            "policies": [{ "name": "Default", "first_response_minutes": 240 }],
        });
        office.arrange(change).await;
        // What is read alone is right at once, and a list says that it is not all.
        let due = at("2026-11-18T10:00:00Z");
        assert_eq!(
            moment(&clock(&office.get(&open).await, "first_response")["due_at"]),
            due
        );
        let listed = office
            .app
            .ok(&office.owner, "list_tickets", json!({}))
            .await;
        assert_eq!(listed["notices"][0]["code"], "STALE", "{listed}");
        office.tick().await;
        let listed = office
            .app
            .ok(&office.owner, "list_tickets", json!({}))
            .await;
        assert!(listed["notices"].is_null(), "{listed}");
        assert_eq!(moment(&listed["data"][0]["next_breach"]), due);
        let after = office.get(&done).await;
        for field in [
            "first_response_minutes",
            "resolution_minutes",
            "version",
            "policy",
        ] {
            assert_eq!(after[field], before[field], "{field}");
        }
        assert!(after["breaches"].is_null());
    }
}

#[tokio::test]
async fn a_handover_is_kept_with_its_time_and_an_assignee_is_of_the_team() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let store = office.app.store();
        for name in ["Ada", "Bob"] {
            let member = NewMember {
                name: name.into(),
                ..NewMember::default()
            };
            admin::add_member(store, "main", member).await.unwrap();
        }
        for (team, lead) in [("First line", "Ada"), ("Second line", "Bob")] {
            let team = NewTeam {
                name: team.into(),
                about: None,
                lead: Some(lead.into()),
            };
            admin::create_team(store, "main", team).await.unwrap();
        }
        let id = office.ticket("Ball", json!({ "team": "First line" })).await;
        let give = |assignee: &str| json!({ "ticket": id, "assignee": assignee });
        // Nobody had it.
        let taken = office.call("update_ticket", give("Ada")).await;
        assert_eq!(taken["handovers"], 0);
        let error = office.error("update_ticket", give("Bob")).await;
        assert_eq!(error.field_name(), Some("assignee"));
        office.step(5);
        let handed = json!({ "ticket": id, "team": "Second line" });
        let handed = office.call("update_ticket", handed).await;
        assert!(handed["assignee"].is_null());
        office.step(5);
        office.call("update_ticket", give("Bob")).await;
        let back = json!({ "ticket": id, "team": "First line", "assignee": "Ada" });
        let back = office.call("update_ticket", back).await;
        assert_eq!(back["handovers"], 2);
        let read = office.get(&id).await;
        let handovers = read["handed_over"].as_array().unwrap();
        assert_eq!(handovers[0]["from"]["name"], "Ada");
        assert_eq!(handovers[0]["to_team"]["name"], "Second line");
        assert_eq!(moment(&handovers[0]["at"]), at("2026-11-17T09:05:00Z"));
        assert_eq!(handovers[1]["to"]["name"], "Ada");
        assert_eq!(
            office
                .listed(json!({ "assignee": "Ada", "team": "first line" }))
                .await,
            ["Ball"]
        );
    }
}

#[tokio::test]
async fn merging_moves_the_messages_takes_the_older_clocks_and_can_be_taken_back() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let old = office
            .ticket("Old", json!({ "outside_id": "<1@x.example>" }))
            .await;
        office.step(60);
        let new = office.ticket("New", json!({ "category": "problem" })).await;
        office.step(10);
        let keep = json!({ "keep": new, "merge": [old] });
        let merged = office
            .app
            .ok(&office.owner, "merge_tickets", keep.clone())
            .await;
        let kept = office.get(&new).await;
        assert_eq!(moment(&kept["opened_at"]), at(TEN));
        assert_eq!(
            moment(&clock(&kept, "first_response")["due_at"]),
            at("2026-11-17T11:00:00Z")
        );
        let messages = kept["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 3);
        assert_eq!(messages[0]["merged_from"]["id"], old.as_str());
        assert!(messages[1]["merged_from"].is_null());
        assert_eq!(messages[2]["body"], "TIC-0001 was merged into this ticket.");
        assert_eq!(kept["merged"][0]["id"], old.as_str());
        let gone = office.get(&old).await;
        assert_eq!(
            (gone["status"].clone(), gone["merged_into"]["id"].clone()),
            (json!("closed"), json!(new))
        );
        assert_eq!(gone["messages"][0]["body"], "Merged into TIC-0002.");
        // What comes to the one that went is said in the one that stays.
        let more = office.say(&old, "customer", json!({})).await;
        assert_eq!(more["ticket"]["id"], new.as_str());
        let back = office
            .error("update_ticket", json!({ "ticket": old, "status": "open" }))
            .await;
        assert_eq!(back.code(), Code::Conflict);
        let again = office.error("merge_tickets", keep).await;
        assert_eq!(again.field_name(), Some("merge[0]"));
        let itself = json!({ "keep": new, "merge": [new] });
        let error = office.error("merge_tickets", itself).await;
        assert_eq!(error.field_name(), Some("merge[0]"));
        // Parted again, after the message that came since was taken back too.
        let changes = office.call("list_changes", json!({})).await;
        let last = changes[0]["change"].clone();
        office.call("undo_change", json!({ "change": last })).await;
        office
            .call("undo_change", json!({ "change": merged["change"] }))
            .await;
        let (old, new) = (office.get(&old).await, office.get(&new).await);
        assert_eq!(
            (old["status"].clone(), old["merged_into"].clone()),
            (json!("new"), Value::Null)
        );
        assert_eq!(old["messages"].as_array().unwrap().len(), 1);
        assert_eq!(new["messages"].as_array().unwrap().len(), 1);
        assert_eq!(moment(&new["opened_at"]), at("2026-11-17T10:00:00Z"));
    }
}

#[tokio::test]
async fn what_comes_from_outside_is_brought_in_once() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office
            .ticket("Mail", json!({ "outside_id": "<1@x.example>" }))
            .await;
        let again = json!({ "subject": "Mail", "message": "Help!", "outside_id": "<1@x.example>" });
        let error = office.error("create_ticket", again).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("outside_id"))
        );
        office
            .say(&id, "customer", json!({ "outside_id": "<2@x.example>" }))
            .await;
        let twice =
            json!({ "ticket": id, "type": "customer", "body": "x", "outside_id": "<2@x.example>" });
        let error = office.error("create_ticket_message", twice).await;
        assert_eq!(error.detail_value("existing"), Some(&json!(id)));
        assert_eq!(office.get(&id).await["message_count"], 2);
        // Another workspace may have the same one.
        let other = office.app.tenant("other").await;
        let own = json!({ "subject": "Mail", "message": "Help!", "outside_id": "<1@x.example>" });
        office.app.data(&other, "create_ticket", own).await;
    }
}

#[tokio::test]
async fn taking_a_message_back_takes_back_what_followed_from_it() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Oops", json!({})).await;
        office.step(10);
        let before = office.get(&id).await;
        let said =
            json!({ "ticket": id, "type": "reply", "body": "Wrong customer!", "status": "solved" });
        let said = office
            .app
            .ok(&office.owner, "create_ticket_message", said)
            .await;
        office
            .call("undo_change", json!({ "change": said["change"] }))
            .await;
        let after = office.get(&id).await;
        for field in [
            "status",
            "first_response_at",
            "next_breach",
            "messages",
            "statuses",
            "clocks",
        ] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }
}

#[tokio::test]
async fn a_long_thread_is_read_in_pieces() {
    let office = Office::new(Engine::Sqlite).await;
    let id = office.ticket("Long", json!({})).await;
    for number in 0..60 {
        office.step(1);
        let note = json!({ "ticket": id, "type": "note", "body": format!("Note {number}") });
        office.call("create_ticket_message", note).await;
    }
    let last = office
        .app
        .ok(&office.owner, "get_ticket", json!({ "ticket": id }))
        .await;
    let messages = last["data"]["messages"].as_array().unwrap();
    assert_eq!(
        (messages.len(), messages[49]["body"].clone()),
        (50, json!("Note 59"))
    );
    assert_eq!(last["data"]["message_count"], 61);
    assert_eq!(last["notices"][0]["code"], "TRUNCATED");
    let older = json!({ "ticket": id, "before": messages[0]["id"] });
    let older = office.call("get_ticket", older).await;
    let older = older["messages"].as_array().unwrap();
    assert_eq!(
        (
            older.len(),
            older[0]["body"].clone(),
            older[10]["body"].clone()
        ),
        (11, json!("Help!"), json!("Note 9"))
    );
}

#[tokio::test]
async fn lists_answer_what_is_asked() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let more = json!({ "priority": "urgent", "category": "problem", "product": "Box", "channel": "phone", "tags": ["vip"], "assignee": "me" });
        office.ticket("one", more).await;
        office.step(30);
        let two = office.ticket("two", json!({ "priority": "low" })).await;
        let three = office
            .ticket("three", json!({ "requester_email": "c@three.example" }))
            .await;
        let four = office.ticket("four", json!({})).await;
        office.step(30);
        office
            .say(&two, "reply", json!({ "status": "pending" }))
            .await;
        let hold =
            json!({ "ticket": three, "status": "on_hold", "hold_reason": "Scheduled for later" });
        office.call("update_ticket", hold).await;
        let rated = json!({ "ticket": four, "status": "solved", "satisfaction": 2, "satisfaction_comment": "Slow" });
        office.call("update_ticket", rated).await;
        for (arguments, expected) in [
            (
                json!({ "status": "open", "sort": "opened_at" }),
                vec!["one", "two", "three"],
            ),
            (json!({ "status": "only_open" }), vec![]),
            (
                json!({ "status": ["pending", "on_hold"], "sort": "opened_at" }),
                vec!["two", "three"],
            ),
            (json!({ "status": "solved" }), vec!["four"]),
            (json!({ "status": "new" }), vec!["one"]),
            (
                json!({ "priority": ["urgent", "low"], "sort": "priority", "descending": true }),
                vec!["one", "two"],
            ),
            (json!({ "assignee": "me" }), vec!["one"]),
            (
                json!({ "unassigned": true, "status": "open", "sort": "opened_at" }),
                vec!["two", "three"],
            ),
            (
                json!({ "awaiting_reply": true, "sort": "opened_at" }),
                vec!["one", "three"],
            ),
            (
                json!({ "awaiting_reply": false, "status": "open" }),
                vec!["two"],
            ),
            (json!({ "category": "Problem" }), vec!["one"]),
            (json!({ "product": "box" }), vec!["one"]),
            (json!({ "channel": "phone" }), vec!["one"]),
            (json!({ "tag": "VIP" }), vec!["one"]),
            (json!({ "requester": "c@three.example" }), vec!["three"]),
            (
                json!({ "hold_reason": "scheduled for later" }),
                vec!["three"],
            ),
            (
                json!({ "opened_before": "2026-11-17T09:10:00Z" }),
                vec!["one"],
            ),
            (json!({ "solved_after": "2026-11-17" }), vec!["four"]),
            (json!({ "solved_before": "2026-11-16" }), vec![]),
            (json!({ "first_response_after": "2026-11-17" }), vec!["two"]),
            (json!({ "closed_after": "2026-11-17" }), vec![]),
            (
                json!({ "next_breach_before": "2026-11-17T11:00:00Z" }),
                vec!["one"],
            ),
            (json!({ "max_satisfaction": 3 }), vec!["four"]),
            (json!({ "min_satisfaction": 3 }), vec![]),
            (json!({ "query": "three" }), vec!["three"]),
        ] {
            let found = office.listed(arguments.clone()).await;
            assert_eq!(found, expected, "{arguments}");
        }
        // The next breach first.
        assert_eq!(office.listed(json!({ "limit": 1 })).await, ["one"]);
        let counted = json!({ "status": "open", "count_only": true });
        let counted = office.app.ok(&office.owner, "list_tickets", counted).await;
        assert_eq!(counted["page"]["total"], 3);
        // What a message says is found too.
        office
            .say(
                &two,
                "customer",
                json!({ "body": "The xylophone is broken" }),
            )
            .await;
        assert_eq!(
            office.listed(json!({ "query": "xylophone" })).await,
            ["two"]
        );
    }
}

#[tokio::test]
async fn bad_tickets_are_refused_by_the_field() {
    for engine in ENGINES {
        let office = Office::new(engine).await;
        let id = office.ticket("Bad", json!({})).await;
        let create = |more: Value| {
            let mut arguments = json!({ "subject": "Bad" });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            ("create_ticket", arguments)
        };
        let update = |more: Value| {
            let mut arguments = json!({ "ticket": id });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            ("update_ticket", arguments)
        };
        for ((tool, arguments), field) in [
            (create(json!({ "category": "Complain" })), "category"),
            (create(json!({ "opened_at": "tomorrow" })), "opened_at"),
            (create(json!({ "outside_id": "x" })), "outside_id"),
            (
                update(json!({ "hold_reason": "Waiting for supplier", "status": "open" })),
                "hold_reason",
            ),
            (update(json!({ "satisfaction": 6 })), "satisfaction"),
            (
                update(json!({ "satisfaction_comment": "Nice" })),
                "satisfaction_comment",
            ),
            (update(json!({ "status": "done" })), "status"),
        ] {
            let error = office.error(tool, arguments.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(field)),
                "{arguments}"
            );
        }
        let stale = json!({ "ticket": id, "priority": "low", "version": 7 });
        assert_eq!(
            office.error("update_ticket", stale).await.code(),
            Code::Conflict
        );
        assert_eq!(office.get(&id).await["version"], 1);
    }
}
