//! What the firm works on: a project for each of some deals that were won, and some of its own, with their tasks.

use std::collections::{HashMap, HashSet};

use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration, NaiveDate};
use serde_json::json;

use super::calendar::{Calendar, office_hour, workday_from};
use super::chance::Chance;
use super::firm::Firm;
use super::sales::{Sale, day_of};
use super::script::{Event, Script, reference};
use super::{PROJECTS, TASKS};

/// What the firm does for itself: what it is called, after how many days of the history it begins, how long it takes.
const OWN: [(&str, u64, u64); 3] = [
    ("Website relaunch", 180, 150),
    ("Certification ISO 27001", 400, 200),
    ("Move to the harbour office", 600, 190),
];

/// The phases of a project, each with its tasks and their hours; the last task of a phase is a milestone where it takes none.
type Phase = (&'static str, &'static [(&'static str, i64)]);

const ROLLOUT: [Phase; 5] = [
    (
        "Preparation",
        &[
            ("Kickoff with the plant", 4),
            ("Walk through the halls", 8),
            ("List of articles and resources", 12),
            ("Project plan", 6),
            ("Plan agreed", 0),
        ],
    ),
    (
        "Data",
        &[
            ("Export from the old system", 8),
            ("Clean the article list", 16),
            ("Import articles", 6),
            ("Import stock", 4),
            ("Check by the warehouse", 8),
        ],
    ),
    (
        "Set-up",
        &[
            ("Install the planner", 6),
            ("Calendars and shifts", 4),
            ("Rights and users", 4),
            ("Configure the scanners", 10),
            ("Labels and forms", 8),
            ("Interface to the orders", 24),
            ("Interface to the accounts", 16),
        ],
    ),
    (
        "Training",
        &[
            ("Course material", 8),
            ("Train the planners", 16),
            ("Train the late shift", 8),
            ("Train the warehouse", 12),
        ],
    ),
    (
        "Go-live",
        &[
            ("Test week", 24),
            ("Fix what the test found", 16),
            ("Switch-over", 10),
            ("Live", 0),
            ("Support on site", 16),
            ("Final inspection", 4),
            ("Hand over to support", 4),
        ],
    ),
];

const INTERNAL: [Phase; 5] = [
    (
        "Idea",
        &[
            ("Collect wishes", 6),
            ("Compare offers", 8),
            ("Budget", 4),
            ("Talk with those who did it before", 4),
            ("Decision", 0),
        ],
    ),
    (
        "Concept",
        &[
            ("Write the concept", 16),
            ("Risks", 4),
            ("Review with the team", 6),
            ("Schedule", 4),
            ("Choose partners", 6),
        ],
    ),
    (
        "Realization",
        &[
            ("First part", 24),
            ("Second part", 24),
            ("Third part", 24),
            ("Review of the first part", 4),
            ("Review of the second part", 4),
            ("Corrections", 16),
            ("Documents", 12),
        ],
    ),
    (
        "Trial",
        &[
            ("Trial with two of us", 8),
            ("Trial with all", 8),
            ("Collect what is missing", 4),
            ("Mend it", 12),
        ],
    ),
    (
        "Launch",
        &[
            ("Announce it", 3),
            ("Start", 0),
            ("Help in the first days", 10),
            ("Settle the invoices", 3),
            ("What we learned", 3),
            ("Close the budget", 2),
            ("Thank everybody", 2),
        ],
    ),
];

/// Somebody's work on a task, as far as it was done.
pub(super) struct Work {
    /// The places of the project, its owner, who works, and the company.
    pub(super) project: usize,
    pub(super) owner: usize,
    pub(super) worker: usize,
    pub(super) company: Option<usize>,
    /// How the task is called in the script.
    pub(super) task: String,
    /// From the first day to the last.
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) hours: i64,
}

/// A project as it is planned.
struct Project {
    name: String,
    sale: Option<usize>,
    company: Option<usize>,
    owner: usize,
    from: NaiveDate,
    to: NaiveDate,
    phases: &'static [Phase],
}

/// Writes down the projects with their tasks; what was worked on them.
pub(super) fn plan(
    seed: u64,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sales: &[Sale],
) -> Vec<Work> {
    let chance = &mut Chance::of(seed, 12);
    let mut projects = of_sales(chance, calendar, firm, sales);
    for (name, after, days) in OWN {
        let from = workday_from(calendar.first() + Days::new(after));
        projects.push(Project {
            name: name.to_owned(),
            sale: None,
            company: None,
            owner: 0,
            from,
            to: workday_from(from + Days::new(days)),
            phases: &INTERNAL,
        });
    }
    projects.sort_by_key(|project| project.from);
    let count = projects.len();
    let mut tasks = 0;
    let mut work = Vec::new();
    for (place, project) in projects.iter().enumerate() {
        // All have as many, and the first ones the rest.
        let share = TASKS / count + usize::from(place < TASKS % count);
        let project = (place, project);
        work.extend(write(chance, calendar, script, project, tasks, share));
        tasks += share;
    }
    work
}

/// Those of deals that were won, from the first to the last.
fn of_sales(chance: &mut Chance, calendar: &Calendar, firm: &Firm, sales: &[Sale]) -> Vec<Project> {
    let mut won: Vec<(&Sale, Timestamp)> = sales
        .iter()
        .filter_map(|sale| Some((sale, sale.won()?)))
        .filter(|(sale, won)| !sale.renews && *won + Duration::days(15) < calendar.end())
        .collect();
    won.sort_by_key(|(_, won)| *won);
    // One for each customer.
    let mut seen = HashSet::new();
    won.retain(|(sale, _)| seen.insert(sale.company));
    let wanted = PROJECTS - OWN.len();
    let step = (won.len() / wanted.max(1)).max(1);
    let chosen = won.iter().skip(step / 2).step_by(step).take(wanted);
    let of = |(sale, won): &(&Sale, Timestamp)| {
        let company = firm.companies.get(sale.company)?;
        let from = workday_from(day_of(*won) + Days::new(7));
        Some(Project {
            name: format!("Rollout at {}", company.name),
            sale: Some(sale.number),
            company: Some(company.number),
            owner: sale.owner,
            from,
            to: workday_from(from + Days::new(100 + chance.below(70))),
            phases: &ROLLOUT,
        })
    };
    chosen.filter_map(of).collect()
}

/// A task as it is planned.
struct Task {
    title: String,
    /// The place of its phase, which is a task too.
    phase: Option<usize>,
    hours: i64,
    from: NaiveDate,
    to: NaiveDate,
    is_phase: bool,
}

/// Writes down a project, and what is done in it until the end of history.
fn write(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    (place, project): (usize, &Project),
    first: usize,
    share: usize,
) -> Vec<Work> {
    let this = reference("project", place);
    let mut work = Vec::new();
    let at = office_hour(chance, workday_from(project.from - Days::new(4)));
    if at >= calendar.end() {
        return work;
    }
    let arguments = json!({
        "name": project.name,
        "company": project.company.map(|company| reference("company", company)),
        "owner": reference("member", project.owner),
        "start_on": project.from,
        "due_on": project.to,
        "tags": project.sale.is_none().then_some(["internal"]),
    });
    let event = Event::new(at, project.owner, "create_project", arguments);
    script.add(event.makes(this.clone()));
    let tasks = planned(chance, project, share);
    let mut before: Option<usize> = None;
    let mut all_done = at;
    let mut is_over = true;
    let mut phase_ends: HashMap<Option<usize>, Timestamp> = HashMap::new();
    for (nth, task) in tasks.iter().enumerate() {
        let number = first + nth;
        let id = reference("task", number);
        let made = at + Duration::minutes(2) + Duration::seconds(nth as i64 * 20);
        let worker = match chance.percent(40) {
            true => project.owner,
            false => chance.weighted([1, 1, 6, 6, 8].into_iter()),
        };
        // A phase waits for nothing itself; its first task waits for the last of the phase before it.
        let waits = before.filter(|_| !task.is_phase && chance.percent(75));
        let arguments = json!({
            "project": this,
            "title": task.title,
            "parent": task.phase.map(|phase| reference("task", first + phase)),
            "assignee": (!task.is_phase).then(|| reference("member", worker)),
            "estimate": (task.hours > 0).then(|| task.hours.to_string()),
            "milestone": (task.hours == 0 && !task.is_phase).then_some(true),
            "start_on": (task.hours > 0).then_some(task.from),
            "due_on": (!task.is_phase).then_some(task.to),
            "dates": task.is_phase.then_some("automatic"),
            "priority": chance.percent(10).then_some("high"),
            "depends_on": waits.map(|before| json!([{ "task": reference("task", before) }])),
        });
        let event = Event::new(made, project.owner, "create_task", arguments);
        script.add(event.makes(id.clone()));
        if task.is_phase {
            continue;
        }
        before = Some(number);
        let begins = office_hour(chance, workday_from(task.from));
        let late = if chance.percent(25) {
            chance.range(1, 6)
        } else {
            0
        };
        let ends = calendar.later(
            chance,
            begins.max(made),
            (task.to - task.from).num_days() + late,
        );
        let begins = begins.max(made + Duration::minutes(20));
        let change = |script: &mut Script, at: Timestamp, status: &str| {
            if at < calendar.end() {
                let status = json!({ "task": id, "status": status });
                script.add(Event::new(at, worker, "update_task", status));
            }
        };
        if chance.percent(3) && task.hours > 0 {
            change(script, begins, "cancelled");
            continue;
        }
        if task.hours > 0 && begins < ends {
            change(script, begins, "started");
        }
        change(script, ends, "completed");
        if task.hours > 0 && begins < ends && begins < calendar.end() {
            let yesterday = calendar.today - Days::new(1);
            work.push(Work {
                project: place,
                owner: project.owner,
                worker,
                company: project.company,
                task: id,
                from: day_of(begins),
                to: day_of(ends).min(yesterday),
                hours: task.hours,
            });
        }
        let end = phase_ends.entry(task.phase).or_insert(ends);
        *end = ends.max(*end);
        is_over &= ends < calendar.end();
        all_done = all_done.max(ends);
    }
    for (nth, _) in tasks.iter().enumerate().filter(|(_, task)| task.is_phase) {
        let Some(end) = phase_ends.get(&Some(nth)) else {
            continue;
        };
        let done = json!({ "task": reference("task", first + nth), "status": "completed" });
        let end = *end + Duration::minutes(1);
        if end < calendar.end() {
            script.add(Event::new(end, project.owner, "update_task", done));
            all_done = all_done.max(end);
        }
    }
    if !is_over {
        return work;
    }
    let closes = calendar.later(chance, all_done, 3);
    if closes < calendar.end() {
        let done = json!({ "project": this, "status": "completed" });
        script.add(Event::new(closes, project.owner, "update_project", done));
    }
    work
}

/// So many tasks, the phases among them, laid out over the time of the project.
fn planned(chance: &mut Chance, project: &Project, share: usize) -> Vec<Task> {
    let phases = project.phases.len();
    let leaves: usize = project.phases.iter().map(|(_, tasks)| tasks.len()).sum();
    let hours: i64 = project
        .phases
        .iter()
        .flat_map(|(_, tasks)| tasks.iter())
        .map(|task| task.1)
        .sum();
    let days = (project.to - project.from).num_days();
    let mut tasks = Vec::with_capacity(share);
    let mut spent = 0;
    for (name, of_phase) in project.phases {
        let phase = tasks.len();
        tasks.push(Task {
            title: (*name).to_owned(),
            phase: None,
            hours: 0,
            from: project.from,
            to: project.to,
            is_phase: true,
        });
        for (title, task) in *of_phase {
            let begin = project.from + Duration::days(days * spent / hours.max(1));
            spent += task;
            let end = project.from + Duration::days(days * spent / hours.max(1));
            let (from, to) = (workday_from(begin), workday_from(end.max(begin)));
            tasks.push(Task {
                title: (*title).to_owned(),
                phase: Some(phase),
                hours: *task,
                from,
                to,
                is_phase: false,
            });
        }
    }
    // What comes up on the way.
    let more = share.saturating_sub(phases + leaves);
    for nth in 0..more {
        let from = workday_from(
            project.from + Duration::days(days * (nth as i64 + 1) / (more as i64 + 1)),
        );
        tasks.push(Task {
            title: format!("Open point {} of the steering group", nth + 1),
            phase: None,
            hours: 2 + 2 * chance.range(0, 3),
            from,
            to: workday_from(from + Days::new(4)),
            is_phase: false,
        });
    }
    tasks.truncate(share);
    tasks
}
