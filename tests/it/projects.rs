//! The rules of projects, their boards and tasks.

use std::collections::BTreeSet;

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::store::clock::Clock;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

async fn project(app: &TestApp, owner: &Caller, name: &str) -> Value {
    app.data(owner, "create_project", json!({ "name": name }))
        .await
}

async fn task(app: &TestApp, owner: &Caller, project: &Value, more: Value) -> Value {
    let mut arguments = json!({ "project": project["id"], "title": "A task" });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    app.data(owner, "create_task", arguments).await
}

async fn update(app: &TestApp, owner: &Caller, task: &Value, more: Value) -> Value {
    let mut arguments = json!({ "task": task["id"] });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    app.data(owner, "update_task", arguments).await
}

async fn get(app: &TestApp, owner: &Caller, project: &Value) -> Value {
    app.data(owner, "get_project", json!({ "project": project["id"] }))
        .await
}

/// The titles of a list, in its order.
async fn titles(app: &TestApp, owner: &Caller, filter: Value) -> Vec<String> {
    let rows = app.data(owner, "list_tasks", filter).await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["title"].as_str().unwrap().to_owned())
        .collect()
}

/// The names of a project's columns, with their statuses and tasks.
fn columns(project: &Value) -> Vec<String> {
    let columns = project["columns"].as_array().unwrap().iter();
    let shown = |column: &Value| {
        let (name, status) = (column["name"].as_str(), column["status"].as_str());
        format!("{}/{}/{}", name.unwrap(), status.unwrap(), column["tasks"])
    };
    columns.map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_numbered_by_their_series_and_found_by_number_and_name() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let first = project(&app, &owner, "Bridge").await;
        let second = project(&app, &owner, "Tunnel").await;
        assert_eq!(
            (&first["number"], &second["number"]),
            (&json!("P-0001"), &json!("P-0002"))
        );
        for called in ["P-0002", "p-0002", "tunnel"] {
            let found = app
                .data(&owner, "get_project", json!({ "project": called }))
                .await;
            assert_eq!(found["id"], second["id"], "{called}");
        }
        let other = app.tenant("other").await;
        let theirs = project(&app, &other, "Bridge").await;
        assert_eq!(
            theirs["number"], "P-0001",
            "each workspace counts for itself"
        );
        let refused = app
            .error(&other, "get_project", json!({ "project": first["id"] }))
            .await;
        assert_eq!(refused.code(), Code::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_of_completion_follows_the_status_of_a_project() {
    for engine in ENGINES {
        let clock = Clock::at("2026-11-20T10:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        assert_eq!(made["status"], "active");
        assert_eq!(made["owner"]["id"], json!(owner.member.to_string()));
        for (status, day) in [
            ("completed", json!("2026-11-20")),
            ("on_hold", Value::Null),
            ("completed", json!("2026-11-20")),
            ("cancelled", Value::Null),
        ] {
            let arguments = json!({ "project": made["id"], "status": status });
            let now = app.data(&owner, "update_project", arguments).await;
            assert_eq!(now["completed_on"], day, "{status}");
        }
        let wrong = json!({ "name": "Back", "start_on": "2027-02-01", "due_on": "2027-01-31" });
        let error = app.error(&owner, "create_project", wrong).await;
        assert_eq!(error.field_name(), Some("due_on"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn task_numbers_are_unique_in_their_project_also_when_many_are_made_at_once() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (one, other) = (
            project(&app, &owner, "One").await,
            project(&app, &owner, "Other").await,
        );
        let makes = (0..40).map(|index| {
            let project = if index % 2 == 0 { &one } else { &other };
            task(&app, &owner, project, json!({}))
        });
        let made = futures::future::join_all(makes).await;
        for (project, prefix) in [(&one, "P-0001"), (&other, "P-0002")] {
            let of = made
                .iter()
                .filter(|task| task["project"]["id"] == project["id"]);
            let codes: BTreeSet<&str> = of.map(|task| task["code"].as_str().unwrap()).collect();
            let expected: BTreeSet<String> = (1..=20).map(|n| format!("{prefix}-{n}")).collect();
            let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
            assert_eq!(codes, expected, "{engine:?}");
        }
        // One that is deleted keeps its number.
        app.ok(&owner, "delete_task", json!({ "task": "P-0001-20" }))
            .await;
        let next = task(&app, &owner, &one, json!({})).await;
        assert_eq!(next["code"], "P-0001-21");
    }
}

/// How a task stands.
fn standing(task: &Value) -> Value {
    json!([
        task["column"]["name"],
        task["status"],
        task["completed_at"].is_string()
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn column_status_and_completion_of_a_task_stay_in_step() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        let one = task(&app, &owner, &made, json!({})).await;
        assert_eq!(standing(&one), json!(["To do", "unstarted", false]));
        for (more, expected) in [
            (
                json!({ "column": "in progress" }),
                json!(["In progress", "started", false]),
            ),
            (
                json!({ "status": "completed" }),
                json!(["Done", "completed", true]),
            ),
            (
                json!({ "title": "Again" }),
                json!(["Done", "completed", true]),
            ),
            (
                json!({ "status": "started" }),
                json!(["In progress", "started", false]),
            ),
            (
                json!({ "column": "Cancelled" }),
                json!(["Cancelled", "cancelled", false]),
            ),
            (
                json!({ "status": "backlog", "column": "Backlog" }),
                json!(["Backlog", "backlog", false]),
            ),
        ] {
            let now = update(&app, &owner, &one, more.clone()).await;
            assert_eq!(standing(&now), expected, "{engine:?} {more}");
        }
        let both = json!({ "task": one["id"], "status": "started", "column": "Done" });
        let error = app.error(&owner, "update_task", both).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("status"))
        );
        let word = json!({ "task": one["id"], "status": "done" });
        let error = app.error(&owner, "update_task", word).await;
        assert_eq!(error.hint_text(), Some("Did you mean completed?"));
        let nowhere = json!({ "task": one["id"], "column": "Dine" });
        let error = app.error(&owner, "update_task", nowhere).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("column"))
        );
        assert!(error.hint_text().unwrap().contains("Done"), "{error:?}");
        // One that is done from the beginning.
        let done = task(&app, &owner, &made, json!({ "status": "completed" })).await;
        assert_eq!(standing(&done), json!(["Done", "completed", true]));
        let undone = app.ok(
            &owner,
            "update_task",
            json!({ "task": done["id"], "status": "unstarted" }),
        );
        let undone = undone.await;
        app.ok(&owner, "undo_change", json!({ "change": undone["change"] }))
            .await;
        let again = app
            .data(&owner, "get_task", json!({ "task": done["id"] }))
            .await;
        assert_eq!(again["completed_at"], done["completed_at"], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_is_listed_column_by_column_in_the_order_that_people_gave_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        for title in ["a", "b", "c", "d"] {
            task(&app, &owner, &made, json!({ "title": title })).await;
        }
        let board = json!({ "project": made["id"], "sort": "board" });
        assert_eq!(
            titles(&app, &owner, board.clone()).await,
            ["a", "b", "c", "d"]
        );
        for (title, more, expected) in [
            ("d", json!({ "position": 1 }), ["d", "a", "b", "c"]),
            ("d", json!({ "position": 3 }), ["a", "b", "d", "c"]),
            ("a", json!({ "position": 99 }), ["b", "d", "c", "a"]),
            ("c", json!({ "position": 2 }), ["b", "c", "d", "a"]),
            ("a", json!({ "column": "Backlog" }), ["a", "b", "c", "d"]),
            ("b", json!({ "column": "Done" }), ["a", "c", "d", "b"]),
            (
                "d",
                json!({ "column": "Done", "position": 1 }),
                ["a", "c", "d", "b"],
            ),
            ("c", json!({ "priority": "high" }), ["a", "c", "d", "b"]),
        ] {
            let what = format!("{engine:?} {title} {more}");
            update(&app, &owner, &json!({ "id": title }), more).await;
            assert_eq!(
                titles(&app, &owner, board.clone()).await,
                expected,
                "{what}"
            );
        }
        // Of one project a list is its board, and there is no board of several.
        let plain = json!({ "project": made["id"] });
        assert_eq!(titles(&app, &owner, plain).await, ["a", "c", "d", "b"]);
        let error = app
            .error(&owner, "list_tasks", json!({ "sort": "board" }))
            .await;
        assert_eq!(error.field_name(), Some("sort"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_keeps_its_order_however_often_something_is_put_between_two_others() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        task(&app, &owner, &made, json!({ "title": "first" })).await;
        task(&app, &owner, &made, json!({ "title": "last" })).await;
        let mut expected = vec!["first".to_owned(), "last".to_owned()];
        for index in 0..40 {
            let title = format!("t{index}");
            let made = task(&app, &owner, &made, json!({ "title": title })).await;
            update(&app, &owner, &made, json!({ "position": 2 })).await;
            expected.insert(1, title);
        }
        let board = json!({ "project": made["id"], "sort": "board", "limit": 100 });
        assert_eq!(titles(&app, &owner, board).await, expected, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_with_tasks_goes_only_with_a_successor_for_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        for title in ["a", "b"] {
            task(
                &app,
                &owner,
                &made,
                json!({ "title": title, "column": "In progress" }),
            )
            .await;
        }
        let without = json!([{ "column": "To do" }, { "name": "Shipped", "status": "completed" }, { "column": "Done" }]);
        let mut arguments = json!({ "project": made["id"], "columns": without, "confirm": true });
        let error = app.error(&owner, "update_project", arguments.clone()).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("move_tasks_to"))
        );
        arguments["move_tasks_to"] = json!("Backlog");
        let gone = app.error(&owner, "update_project", arguments.clone()).await;
        assert_eq!(
            (gone.code(), gone.field_name()),
            (Code::NotFound, Some("move_tasks_to"))
        );
        arguments["move_tasks_to"] = json!("shipped");
        let arranged = app.ok(&owner, "update_project", arguments).await;
        assert_eq!(
            columns(&arranged["data"]),
            [
                "To do/unstarted/0",
                "Shipped/completed/2",
                "Done/completed/0"
            ]
        );
        let rows = app
            .data(&owner, "list_tasks", json!({ "project": made["id"] }))
            .await;
        for row in rows.as_array().unwrap() {
            assert_eq!(standing(row), json!(["Shipped", "completed", true]));
        }
        assert_eq!(
            titles(&app, &owner, json!({ "project": made["id"] })).await,
            ["a", "b"]
        );
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": arranged["change"] }),
        )
        .await;
        assert_eq!(
            columns(&get(&app, &owner, &made).await)[2],
            "In progress/started/2"
        );
        let rows = app
            .data(&owner, "list_tasks", json!({ "project": made["id"] }))
            .await;
        assert_eq!(standing(&rows[0]), json!(["In progress", "started", false]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_go_along_when_their_column_is_moved_or_gets_another_status() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let new = json!({ "name": "Bridge", "columns": [{ "name": "Open", "status": "unstarted" },
            { "name": "Check", "status": "started" }, { "name": "Done", "status": "completed" }] });
        let made = app.data(&owner, "create_project", new).await;
        for (title, column) in [("a", "Open"), ("b", "Check"), ("c", "Done")] {
            task(
                &app,
                &owner,
                &made,
                json!({ "title": title, "column": column }),
            )
            .await;
        }
        let turned = json!({ "project": made["id"], "columns": [{ "column": "Done" }, { "column": "Check" }, { "column": "Open" }] });
        app.ok(&owner, "update_project", turned).await;
        let board = json!({ "project": made["id"], "sort": "board" });
        assert_eq!(titles(&app, &owner, board.clone()).await, ["c", "b", "a"]);
        let checked = json!({ "project": made["id"], "columns": [{ "column": "Done" },
            { "column": "Check", "name": "Checked", "status": "completed" }, { "name": "open" }] });
        let now = app.data(&owner, "update_project", checked).await;
        assert_eq!(
            columns(&now),
            [
                "Done/completed/1",
                "Checked/completed/1",
                "open/unstarted/1"
            ]
        );
        let rows = app.data(&owner, "list_tasks", board).await;
        assert_eq!(standing(&rows[1]), json!(["Checked", "completed", true]));
        for (columns, field) in [
            (json!([{ "name": "Only", "status": "started" }]), "columns"),
            (json!([{ "column": "Done" }]), "columns"),
            (
                json!([{ "column": "Done" }, { "column": "open" }, { "name": "Open", "status": "started" }]),
                "columns[2].column",
            ),
            (
                json!([{ "column": "Done" }, { "column": "open" }, { "name": "New" }]),
                "columns[2].status",
            ),
            (
                json!([{ "column": "Done" }, { "column": "open" }, { "column": "Nowhere" }]),
                "columns[2].column",
            ),
        ] {
            let arguments =
                json!({ "project": made["id"], "columns": columns, "move_tasks_to": "Done" });
            let error = app.error(&owner, "update_project", arguments.clone()).await;
            assert_eq!(error.field_name(), Some(field), "{arguments}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subtasks_go_where_their_task_goes_and_never_round() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        let top = task(&app, &owner, &made, json!({ "title": "top" })).await;
        let middle = app.data(
            &owner,
            "create_task",
            json!({ "parent": top["id"], "title": "middle" }),
        );
        let middle = middle.await;
        let low = app.data(
            &owner,
            "create_task",
            json!({ "parent": middle["id"], "title": "low", "status": "completed" }),
        );
        let low = low.await;
        let shown = app
            .data(&owner, "get_task", json!({ "task": middle["id"] }))
            .await;
        assert_eq!(shown["subtasks"], json!({ "open": 0, "total": 1 }));
        assert_eq!(
            titles(&app, &owner, json!({ "parent": top["id"] })).await,
            ["middle"]
        );
        for (task, parent) in [(&top, &low), (&top, &top), (&middle, &low)] {
            let round = json!({ "task": task["id"], "parent": parent["id"] });
            let error = app.error(&owner, "update_task", round).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some("parent"))
            );
        }
        let elsewhere = project(&app, &owner, "Tunnel").await;
        let foreign = json!({ "project": elsewhere["id"], "parent": top["id"], "title": "x" });
        let error = app.error(&owner, "create_task", foreign).await;
        assert_eq!(error.field_name(), Some("parent"));
        let deleted = app
            .ok(&owner, "delete_task", json!({ "task": top["id"] }))
            .await;
        assert_eq!(
            titles(&app, &owner, json!({ "project": made["id"] })).await,
            [""; 0]
        );
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        assert_eq!(
            titles(&app, &owner, json!({ "project": made["id"] }))
                .await
                .len(),
            3
        );
        let deleted = app
            .ok(&owner, "delete_project", json!({ "project": made["id"] }))
            .await;
        assert_eq!(titles(&app, &owner, json!({})).await, [""; 0]);
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        assert_eq!(
            columns(&get(&app, &owner, &made).await)[1],
            "To do/unstarted/2"
        );
        let freed = app.data(
            &owner,
            "update_task",
            json!({ "task": low["id"], "clear": ["parent"] }),
        );
        assert_eq!(freed.await["parent"], Value::Null);
        // What is erased takes all of it along.
        app.ok(
            &owner,
            "delete_project",
            json!({ "project": made["id"], "purge": true }),
        )
        .await;
        assert_eq!(titles(&app, &owner, json!({})).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_counts_subtasks_instead_of_their_task_and_leaves_out_what_is_cancelled() {
    for engine in ENGINES {
        let clock = Clock::at("2026-11-20T10:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        assert_eq!(get(&app, &owner, &made).await["progress"], Value::Null);
        let big = task(
            &app,
            &owner,
            &made,
            json!({ "estimate": "100", "due_on": "2026-11-19" }),
        )
        .await;
        for (title, estimate, status) in [("x", "3", "completed"), ("y", "1", "unstarted")] {
            let part = json!({ "title": title, "parent": big["id"], "estimate": estimate, "status": status });
            task(&app, &owner, &made, part).await;
        }
        assert_eq!(get(&app, &owner, &made).await["progress"], "75.0");
        let cancelled =
            json!({ "estimate": "1000", "status": "cancelled", "due_on": "2026-01-01" });
        task(&app, &owner, &made, cancelled).await;
        let now = get(&app, &owner, &made).await;
        let figures = json!([now["progress"], now["open_tasks"], now["overdue_tasks"]]);
        assert_eq!(figures, json!(["75.0", 2, 1]), "{engine:?}");
        let rows = app.data(&owner, "list_projects", json!({})).await;
        assert_eq!(rows[0]["progress"], "75.0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_tasks_narrow_to_what_is_asked_for() {
    for engine in ENGINES {
        let clock = Clock::at("2026-11-20T10:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        let other = project(&app, &owner, "Tunnel").await;
        for (title, more) in [
            (
                "late",
                json!({ "due_on": "2026-11-19", "assignee": "me", "tags": ["Steel"] }),
            ),
            (
                "today",
                json!({ "due_on": "2026-11-20", "priority": "urgent" }),
            ),
            (
                "some day",
                json!({ "status": "backlog", "priority": "low" }),
            ),
            (
                "done late",
                json!({ "due_on": "2026-11-01", "status": "completed" }),
            ),
            (
                "begun",
                json!({ "due_on": "2026-12-24", "column": "In progress", "description": "Rivets first." }),
            ),
        ] {
            let mut more = more;
            more["title"] = json!(title);
            task(&app, &owner, &made, more).await;
        }
        task(
            &app,
            &owner,
            &other,
            json!({ "title": "dig", "due_on": "2027-01-01" }),
        )
        .await;
        for (filter, expected) in [
            (
                json!({}),
                &["done late", "late", "today", "begun", "dig", "some day"][..],
            ),
            (
                json!({ "status": "open" }),
                &["late", "today", "begun", "dig", "some day"],
            ),
            (json!({ "status": "overdue" }), &["late"]),
            (
                json!({ "status": ["overdue", "completed"] }),
                &["done late", "late"],
            ),
            (
                json!({ "status": ["open", "overdue"] }),
                &["late", "today", "begun", "dig", "some day"],
            ),
            (json!({ "status": "started" }), &["begun"]),
            (json!({ "assignee": "me" }), &["late"]),
            (
                json!({ "unassigned": true, "status": "unstarted" }),
                &["today", "dig"],
            ),
            (
                json!({ "due_before": "today" }),
                &["done late", "late", "today"],
            ),
            (
                json!({ "priority": ["urgent", "low"] }),
                &["today", "some day"],
            ),
            (
                json!({ "sort": "priority", "project": "Bridge", "priority": ["urgent", "low"] }),
                &["today", "some day"],
            ),
            (json!({ "tag": "steel" }), &["late"]),
            (json!({ "query": "rivets" }), &["begun"]),
            (json!({ "project": "Tunnel" }), &["dig"]),
            (
                json!({ "project": "Bridge", "column": "in progress" }),
                &["begun"],
            ),
            (
                json!({ "project": "Bridge", "status": "open", "sort": "due_on" }),
                &["late", "today", "begun", "some day"],
            ),
            (json!({ "completed_after": "today" }), &["done late"]),
        ] {
            assert_eq!(
                titles(&app, &owner, filter.clone()).await,
                expected,
                "{engine:?} {filter}"
            );
        }
        for (filter, field) in [
            (json!({ "column": "In progress" }), "project"),
            (
                json!({ "unassigned": true, "assignee": "me" }),
                "unassigned",
            ),
        ] {
            let error = app.error(&owner, "list_tasks", filter).await;
            assert_eq!(error.field_name(), Some(field));
        }
        let counted = app.ok(
            &owner,
            "list_tasks",
            json!({ "status": "open", "count_only": true }),
        );
        assert_eq!(counted.await["page"]["total"], 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_may_not_read_or_do_stays_so() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        let one = task(&app, &owner, &made, json!({})).await;
        let reader = app.limited(&owner, &["read_tasks"]);
        let row = app
            .data(&reader, "get_task", json!({ "task": one["id"] }))
            .await;
        assert_eq!(row["column"]["name"], "To do");
        assert_eq!(row["project"], json!({ "id": made["id"] }), "{engine:?}");
        let worker = app.limited(&owner, &["read_tasks", "update_tasks"]);
        let done = json!({ "task": one["id"], "status": "completed" });
        assert_eq!(
            app.data(&worker, "update_task", done).await["status"],
            "completed"
        );
        for (permissions, tool, arguments) in [
            (
                &["update_tasks"][..],
                "create_task",
                json!({ "project": made["id"], "title": "x" }),
            ),
            (
                &["update_tasks"],
                "delete_task",
                json!({ "task": one["id"] }),
            ),
            (
                &["update_tasks", "read_projects"],
                "update_project",
                json!({ "project": made["id"], "name": "x" }),
            ),
        ] {
            let caller = app.limited(&owner, permissions);
            let error = app.error(&caller, tool, arguments).await;
            assert!(
                [Code::Forbidden, Code::NotFound].contains(&error.code()),
                "{tool} {error:?}"
            );
        }
        // Who arranges a board moves its tasks along.
        let arranger = app.limited(
            &owner,
            &["read_projects", "update_projects", "delete_projects"],
        );
        let columns = json!([{ "name": "New", "status": "unstarted" }, { "column": "Done" }]);
        let arguments = json!({ "project": made["id"], "columns": columns, "move_tasks_to": "New", "confirm": true });
        app.ok(&arranger, "update_project", arguments).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_compared_with_any_past_moment_deleted_tasks_included() {
    for engine in ENGINES {
        let clock = Clock::at("2026-11-20T10:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let made = project(&app, &owner, "Bridge").await;
        let mut tasks = Vec::new();
        for title in ["kept", "moved", "done", "gone", "there and back"] {
            let more = json!({ "title": title, "due_on": "2026-12-01" });
            tasks.push(task(&app, &owner, &made, more).await);
        }
        let other = project(&app, &owner, "Tunnel").await;
        clock.set("2026-11-23T10:00:00Z".parse().unwrap());
        update(
            &app,
            &owner,
            &tasks[1],
            json!({ "due_on": "2026-12-24", "assignee": "me" }),
        )
        .await;
        clock.set("2026-11-24T10:00:00Z".parse().unwrap());
        let later = json!({ "due_on": "2026-12-31", "title": "put off" });
        update(&app, &owner, &tasks[1], later).await;
        update(&app, &owner, &tasks[2], json!({ "status": "completed" })).await;
        app.ok(&owner, "delete_task", json!({ "task": tasks[3]["id"] }))
            .await;
        let new = task(&app, &owner, &made, json!({ "title": "new" })).await;
        let brief = task(&app, &owner, &made, json!({ "title": "brief" })).await;
        app.ok(&owner, "delete_task", json!({ "task": brief["id"] }))
            .await;
        for due in ["2027-01-01", "2026-12-01"] {
            update(&app, &owner, &tasks[4], json!({ "due_on": due })).await;
        }
        task(&app, &owner, &other, json!({ "title": "elsewhere" })).await;
        clock.set("2026-11-24T12:00:00Z".parse().unwrap());
        let compare = async |since: &str| {
            let asked = json!({ "project": made["id"], "changes_since": since });
            app.data(&owner, "get_project", asked).await["changes"].clone()
        };
        let me = json!({ "id": owner.member.to_string(), "name": "Owner" });
        let changes = compare("2026-11-22").await;
        let of = |index: usize| {
            let change = &changes[index];
            (change["task"]["id"].clone(), change["change"].clone())
        };
        assert_eq!(changes.as_array().unwrap().len(), 4, "{engine:?} {changes}");
        assert_eq!(of(0), (tasks[1]["id"].clone(), json!("changed")));
        assert_eq!(
            changes[0]["was"],
            json!({ "title": "moved", "due_on": "2026-12-01" })
        );
        assert_eq!(changes[0]["is"]["assignee"]["id"], me["id"]);
        assert_eq!(changes[0]["is"]["due_on"], "2026-12-31");
        assert_eq!(of(1), (tasks[2]["id"].clone(), json!("changed")));
        assert_eq!(changes[1]["was"]["column"]["name"], "To do");
        assert_eq!(changes[1]["is"]["column"]["name"], "Done");
        assert_eq!(changes[1]["is"]["status"], "completed");
        assert_eq!(of(2), (tasks[3]["id"].clone(), json!("deleted")));
        assert_eq!(changes[2]["was"]["due_on"], "2026-12-01");
        assert_eq!(changes[2]["is"], Value::Null);
        assert_eq!(of(3), (new["id"].clone(), json!("added")));
        // Between the two changes of one task, only the second counts.
        let changes = compare("2026-11-24T09:00:00Z").await;
        assert_eq!(
            changes[0]["was"],
            json!({ "title": "moved", "due_on": "2026-12-24" })
        );
        assert_eq!(compare("2026-11-24T11:00:00Z").await, Value::Null);
        let all = compare("2026-11-01").await;
        let added = all.as_array().unwrap().iter();
        assert!(
            added.clone().all(|change| change["change"] == "added"),
            "{all}"
        );
        assert_eq!(added.count(), 5, "{all}");
        let early = json!({ "project": made["id"], "changes_since": "2026-12-01" });
        let error = app.error(&owner, "get_project", early).await;
        assert_eq!(error.field_name(), Some("changes_since"));
        let narrow = app.limited(&owner, &["read_projects"]);
        let asked = json!({ "project": made["id"], "changes_since": "2026-11-22" });
        let error = app.error(&narrow, "get_project", asked).await;
        assert_eq!(error.code(), Code::Forbidden);
    }
}

/// What a task waits for, as its entry has it: the titles with their types and lags.
fn waits(task: &Value) -> Vec<String> {
    let waits = task["depends_on"].as_array().into_iter().flatten();
    let shown = |wait: &Value| {
        let (name, kind) = (wait["task"]["name"].as_str(), wait["type"].as_str());
        format!("{}/{}/{}", name.unwrap(), kind.unwrap(), wait["lag_days"])
    };
    waits.map(shown).collect()
}

async fn take_back(app: &TestApp, owner: &Caller, answer: &Value) {
    app.ok(owner, "undo_change", json!({ "change": answer["change"] }))
        .await;
}

async fn read(app: &TestApp, owner: &Caller, task: &Value) -> Value {
    app.data(owner, "get_task", json!({ "task": task["id"] }))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_says_what_it_waits_for_and_what_waits_for_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let bridge = project(&app, &owner, "Bridge").await;
        let plan = task(&app, &owner, &bridge, json!({ "title": "Plan" })).await;
        let permit = task(&app, &owner, &bridge, json!({ "title": "Permit" })).await;
        let build = json!({ "title": "Build", "depends_on": [
            { "task": plan["code"] }, { "task": permit["id"], "type": "start_to_start", "lag_days": -1 },
        ] });
        let build = task(&app, &owner, &bridge, build).await;
        assert_eq!(
            waits(&build),
            ["Plan/finish_to_start/0", "Permit/start_to_start/-1"]
        );
        assert_eq!(build["blocked_by"][0]["name"], "Plan");
        assert_eq!(
            read(&app, &owner, &plan).await["blocks"][0]["name"],
            "Build"
        );
        let listed = |filter: Value| titles(&app, &owner, filter);
        let blocked = json!({ "project": bridge["id"], "blocked": true });
        assert_eq!(listed(blocked.clone()).await, ["Build"]);
        let free = json!({ "project": bridge["id"], "blocked": false, "sort": "title" });
        assert_eq!(listed(free.clone()).await, ["Permit", "Plan"]);
        // What was done blocks nothing, and is not to be begun.
        update(&app, &owner, &plan, json!({ "status": "completed" })).await;
        assert_eq!(listed(blocked).await, [""; 0]);
        assert_eq!(listed(free).await, ["Build", "Permit"]);
        // What is left out stays: the task itself, and its lag.
        let only = json!({ "depends_on": [
            { "task": plan["id"], "remove": true }, { "task": permit["id"], "type": "finish_to_finish" },
        ] });
        let build = update(&app, &owner, &build, only).await;
        assert_eq!(waits(&build), ["Permit/finish_to_finish/-1"]);
        // What is deleted is not waited for, and is again when that is taken back.
        let gone = app
            .ok(&owner, "delete_task", json!({ "task": permit["id"] }))
            .await;
        assert_eq!(waits(&read(&app, &owner, &build).await), [""; 0]);
        take_back(&app, &owner, &gone).await;
        assert_eq!(
            waits(&read(&app, &owner, &build).await),
            ["Permit/finish_to_finish/-1"]
        );
        let none = json!({ "depends_on": [{ "task": permit["code"], "remove": true }] });
        let none = update(&app, &owner, &build, none).await;
        assert_eq!(waits(&none), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_waits_for_itself_through_others_or_through_its_parts() {
    const LONG: usize = 30;
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let bridge = project(&app, &owner, "Bridge").await;
        let refused = |task: Value, more: Value, field: &'static str| {
            let (app, owner) = (&app, &owner);
            async move {
                let mut arguments = json!({ "task": task["id"] });
                let more = more.as_object().cloned().unwrap();
                arguments.as_object_mut().unwrap().extend(more);
                let error = app.error(owner, "update_task", arguments).await;
                assert_eq!(error.code(), Code::Validation, "{error:?}");
                assert_eq!(error.field_name(), Some(field), "{error:?}");
                error
            }
        };
        let on = |task: &Value| json!({ "depends_on": [{ "task": task["id"] }] });
        let mut chain = vec![task(&app, &owner, &bridge, json!({ "title": "0" })).await];
        for index in 1..LONG {
            let mut more = on(&chain[index - 1]);
            more["title"] = index.to_string().into();
            chain.push(task(&app, &owner, &bridge, more).await);
        }
        let (first, last) = (chain[0].clone(), chain[LONG - 1].clone());
        let error = refused(first.clone(), on(&first), "depends_on[0].task").await;
        assert!(error.message().contains("itself"), "{error:?}");
        let error = refused(first.clone(), on(&last), "depends_on[0].task").await;
        assert!(error.message().contains("25 more"), "{error:?}");
        // The first cannot become a part of what waits for the last, nor wait for what the last is a part of.
        let whole = task(&app, &owner, &bridge, on(&last)).await;
        refused(first.clone(), json!({ "parent": whole["id"] }), "parent").await;
        let other = task(&app, &owner, &bridge, json!({ "title": "Whole" })).await;
        update(&app, &owner, &last, json!({ "parent": other["id"] })).await;
        refused(first.clone(), on(&other), "depends_on[0].task").await;
        refused(other.clone(), on(&last), "depends_on[0].task").await;
        // Other projects have their own.
        let tunnel = project(&app, &owner, "Tunnel").await;
        let far = task(&app, &owner, &tunnel, json!({ "title": "Far" })).await;
        refused(first.clone(), on(&far), "depends_on[0].task").await;
        let twice = json!({ "depends_on": [{ "task": last["id"] }, { "task": last["id"] }] });
        refused(whole.clone(), twice, "depends_on[1].task").await;
        // An undo brings no circle back either.
        let (second, third) = (chain[1].clone(), chain[2].clone());
        let parted = app
            .ok(
                &owner,
                "update_task",
                json!({ "task": second["id"], "depends_on": [{ "task": first["id"], "remove": true }] }),
            )
            .await;
        update(&app, &owner, &first, on(&third)).await;
        let error = app
            .error(&owner, "undo_change", json!({ "change": parted["change"] }))
            .await;
        assert!(error.message().contains("without end"), "{error:?}");
        assert_eq!(waits(&read(&app, &owner, &second).await), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_dates_are_put_off_over_weekends_and_holidays() {
    for engine in ENGINES {
        // Monday.
        let clock = Clock::at("2027-03-01T09:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let holidays =
            json!({ "calendars": [{ "name": "Business hours", "holidays": ["2027-03-09"] }] });
        app.ok(&owner, "update_ticket_settings", holidays).await;
        let bridge = project(&app, &owner, "Bridge").await;
        let dated = |title: &str, first: &str, last: &str, more: Value| {
            let mut all = json!({ "title": title, "start_on": first, "due_on": last });
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            task_of(&app, &owner, &bridge, all)
        };
        let dig = dated("Dig", "2027-03-01", "2027-03-03", json!({})).await;
        let automatic = |after: &Value, lag: i64| json!({ "dates": "automatic", "depends_on": [{ "task": after["id"], "lag_days": lag }] });
        // Two days of work, put off over the weekend.
        let pour = dated("Pour", "2027-03-02", "2027-03-03", automatic(&dig, 1)).await;
        assert_eq!(days(&pour), ["2027-03-05", "2027-03-08"]);
        // Nothing is brought forward; the holiday is no day.
        let far = dated("Far", "2027-04-01", "2027-04-02", automatic(&pour, 0)).await;
        assert_eq!(days(&far), ["2027-04-01", "2027-04-02"]);
        let mut paint = automatic(&pour, 0);
        paint["title"] = "Paint".into();
        paint["estimate"] = "12".into();
        let paint = task(&app, &owner, &bridge, paint).await;
        assert_eq!(days(&paint), ["2027-03-10", "2027-03-11"]);
        let mut opening = automatic(&paint, 0);
        opening["title"] = "Opening".into();
        opening["milestone"] = true.into();
        let opening = task(&app, &owner, &bridge, opening).await;
        assert_eq!(
            (&opening["start_on"], &opening["due_on"]),
            (&Value::Null, &json!("2027-03-11"))
        );
        // The whole chain follows, what stands by hand does not.
        let fixed = json!({ "title": "Fixed", "start_on": "2027-03-03", "due_on": "2027-03-03", "depends_on": [{ "task": dig["id"] }] });
        let fixed = task(&app, &owner, &bridge, fixed).await;
        let later = app
            .ok(
                &owner,
                "update_task",
                json!({ "task": dig["id"], "due_on": "2027-03-05" }),
            )
            .await;
        for (task, expected) in [
            (&pour, ["2027-03-10", "2027-03-11"]),
            (&paint, ["2027-03-12", "2027-03-15"]),
            (&far, ["2027-04-01", "2027-04-02"]),
            (&fixed, ["2027-03-03", "2027-03-03"]),
        ] {
            assert_eq!(days(&read(&app, &owner, task).await), expected);
        }
        assert_eq!(read(&app, &owner, &opening).await["due_on"], "2027-03-15");
        // One undo takes all of it back.
        take_back(&app, &owner, &later).await;
        assert_eq!(
            days(&read(&app, &owner, &pour).await),
            ["2027-03-05", "2027-03-08"]
        );
        assert_eq!(read(&app, &owner, &opening).await["due_on"], "2027-03-11");
        // A whole lies where its parts lie.
        let whole = json!({ "title": "Whole", "dates": "automatic" });
        let whole = task(&app, &owner, &bridge, whole).await;
        update(&app, &owner, &dig, json!({ "parent": whole["id"] })).await;
        update(&app, &owner, &fixed, json!({ "parent": whole["id"] })).await;
        assert_eq!(
            days(&read(&app, &owner, &whole).await),
            ["2027-03-01", "2027-03-03"]
        );
        for (more, field) in [
            (json!({ "milestone": true, "estimate": "3" }), "milestone"),
            (
                json!({ "milestone": true, "start_on": "2027-03-01", "due_on": "2027-03-02" }),
                "start_on",
            ),
        ] {
            let mut arguments = json!({ "project": bridge["id"], "title": "Moment" });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            let error = app.error(&owner, "create_task", arguments).await;
            assert_eq!(error.field_name(), Some(field), "{error:?}");
        }
    }
}

async fn task_of(app: &TestApp, owner: &Caller, project: &Value, more: Value) -> Value {
    task(app, owner, project, more).await
}

fn days(task: &Value) -> [&str; 2] {
    ["start_on", "due_on"].map(|day| task[day].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_critical_path_is_what_decides_when_a_project_ends() {
    for engine in ENGINES {
        // Wednesday.
        let clock = Clock::at("2027-03-03T09:00:00Z".parse().unwrap());
        let app = TestApp::timed(engine, MODULES, &clock).await;
        let owner = app.owner().await;
        let bridge = json!({ "name": "Bridge", "due_on": "2027-03-10" });
        let bridge = app.data(&owner, "create_project", bridge).await;
        let scheduled = || async {
            let asked = json!({ "project": bridge["id"], "schedule": true });
            app.data(&owner, "get_project", asked).await["schedule"].clone()
        };
        assert_eq!(scheduled().await["ends_on"], Value::Null);
        let on = |title: &str, hours: &str, others: &[&Value]| {
            let others = others.iter().map(|other| json!({ "task": other["id"] }));
            json!({ "title": title, "estimate": hours, "depends_on": others.collect::<Vec<_>>() })
        };
        let make = |more: Value| task(&app, &owner, &bridge, more);
        let done = make(json!({ "title": "Done", "status": "completed" })).await;
        let dig = make(on("Dig", "16", &[&done])).await;
        let steel = make(on("Steel", "30", &[])).await;
        let paint = make(on("Paint", "8", &[&dig])).await;
        let open = json!({ "title": "Opening", "milestone": true, "depends_on": [{ "task": steel["id"] }, { "task": paint["id"], "lag_days": 0 }] });
        make(open).await;
        // A wish of last week cannot be kept.
        let late = json!({ "title": "Late", "due_on": "2027-02-26" });
        make(late).await;
        let schedule = scheduled().await;
        let shown = |name: &str| {
            let entries = schedule[name].as_array().unwrap().iter();
            let entries = entries.map(|entry| {
                let part = |name: &str| entry[name].as_str().unwrap().to_owned();
                let days = [part("starts_on"), part("ends_on")].join(" ");
                let task = entry["task"]["name"].as_str().unwrap();
                format!(
                    "{task} {days} {} {}",
                    entry["slack_days"], entry["late_days"]
                )
            });
            entries.collect::<Vec<_>>()
        };
        // Thirty hours are four days: from Wednesday to Monday.
        assert_eq!(schedule["ends_on"], "2027-03-08");
        assert_eq!(schedule["late_days"], Value::Null);
        assert_eq!(
            shown("critical_path"),
            [
                "Steel 2027-03-03 2027-03-08 0 null",
                "Opening 2027-03-08 2027-03-08 0 null",
            ]
        );
        assert_eq!(
            shown("others"),
            [
                "Dig 2027-03-03 2027-03-04 1 null",
                "Paint 2027-03-05 2027-03-05 1 null",
                "Late 2027-03-03 2027-03-03 3 3",
            ]
        );
        let more = json!({ "estimate": "80" });
        update(&app, &owner, &steel, more).await;
        let schedule = scheduled().await;
        assert_eq!(schedule["ends_on"], "2027-03-16");
        assert_eq!(schedule["late_days"], 4);
    }
}
