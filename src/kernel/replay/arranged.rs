//! What the owner arranges, with a command or a tool, compared with the log like records: the workspace itself, members, teams,
//! keys, custom attributes and exchange rates.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Data, json};

use super::history::{apply, differing, same};
use super::{DIFFERS, Difference, Findings, Placed, Replayed};
use crate::admin::key::fingerprint;
use crate::caller::{ApiKey, Member, Team, Workspace};
use crate::error::Result;
use crate::store::log::{Action, LogRow, digest};
use crate::store::{Json, Row, Tx, sql};
use crate::types::id::{Entity, Id, encode};
use crate::types::time::Timestamp;

const ATTRIBUTES: &str = "attribute_definition";
const RATES: &str = "exchange_rate";

/// How a column stands in the log.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    Json,
    Time,
    Member,
    /// The hash of a key, which itself is in no log.
    Fingerprint,
}

/// A table whose rows are in the log by their identifier.
struct Shape {
    entity: &'static str,
    prefix: &'static str,
    /// The rows of the workspace that follows.
    select: &'static str,
    /// The column that says when it was removed.
    removed: Option<&'static str>,
    fields: &'static [(&'static str, Form)],
}

const SHAPES: [Shape; 4] = [
    Shape {
        entity: Workspace::TABLE,
        prefix: Workspace::PREFIX,
        select: "SELECT id, slug, name, time_zone, currency, country FROM workspace WHERE id = ",
        removed: None,
        fields: &[
            ("slug", Form::Text),
            ("name", Form::Text),
            ("time_zone", Form::Text),
            ("currency", Form::Text),
            ("country", Form::Text),
        ],
    },
    Shape {
        entity: Member::TABLE,
        prefix: Member::PREFIX,
        select: "SELECT id, name, email, title, role, archived_at FROM member WHERE workspace = ",
        removed: Some("archived_at"),
        fields: &[
            ("name", Form::Text),
            ("email", Form::Text),
            ("title", Form::Text),
            ("role", Form::Text),
        ],
    },
    Shape {
        entity: Team::TABLE,
        prefix: Team::PREFIX,
        select: "SELECT id, name, about, lead, archived_at FROM team WHERE workspace = ",
        removed: Some("archived_at"),
        fields: &[
            ("name", Form::Text),
            ("about", Form::Text),
            ("lead", Form::Member),
        ],
    },
    Shape {
        entity: ApiKey::TABLE,
        prefix: ApiKey::PREFIX,
        select: "SELECT k.id, g.name, k.hint, k.hash AS fingerprint, k.permissions, k.confirm, k.calls_per_hour, k.expires_at,
                        k.revoked_at, g.member
                 FROM api_key_grant g JOIN api_key k ON k.id = g.api_key AND k.name = g.name WHERE g.workspace = ",
        removed: Some("revoked_at"),
        fields: &[
            ("name", Form::Text),
            ("hint", Form::Text),
            ("fingerprint", Form::Fingerprint),
            ("permissions", Form::Json),
            ("confirm", Form::Text),
            ("calls_per_hour", Form::Number),
            ("expires_at", Form::Time),
            ("revoked_at", Form::Time),
            ("member", Form::Member),
        ],
    },
];

/// Whether the owner arranges it.
pub(super) fn is_arranged(entity: &str) -> bool {
    entity == ATTRIBUTES || entity == RATES || SHAPES.iter().any(|shape| shape.entity == entity)
}

/// The rows of a workspace's log about what the owner arranged: as many as there were such commands.
#[derive(Default)]
pub(super) struct Arranged(Vec<Placed>);

/// What stands somewhere as the log says.
#[derive(Default)]
struct State {
    content: Map<String, Data>,
    removed: bool,
    wrong: Option<&'static str>,
}

impl State {
    fn take(&mut self, row: &LogRow) {
        if digest(row.before.as_deref(), row.after.as_deref()) != row.digest {
            self.wrong = Some("what it was or became is gone from the change log");
        }
        let mut content = std::mem::take(&mut self.content);
        if let Err(what) = apply(&mut content, row) {
            self.wrong = self.wrong.or(Some(what));
        }
        self.content = content;
        match row.action {
            Action::Archive => self.removed = true,
            Action::Create | Action::Restore => self.removed = false,
            Action::Update | Action::Purge | Action::Redact => {}
        }
    }
}

impl Arranged {
    pub(super) fn add(&mut self, mut placed: Placed) {
        if placed.row.entity == Team::TABLE && digest_holds(&placed.row) {
            // Who is in a team has no order.
            sort_members(&mut placed.row);
        }
        self.0.push(placed);
    }

    pub(super) async fn compare(
        mut self,
        tx: &mut Tx,
        workspace: i64,
        findings: &mut Findings<'_>,
    ) -> Result<()> {
        self.0
            .sort_by_key(|placed| (placed.position.unwrap_or(i64::MAX), placed.row.id));
        let mut states: HashMap<(&'static str, i64), State> = HashMap::new();
        let mut attributes: BTreeMap<String, State> = BTreeMap::new();
        let mut rates: BTreeMap<String, State> = BTreeMap::new();
        for Placed { row, .. } in &self.0 {
            if let Some(shape) = SHAPES.iter().find(|shape| shape.entity == row.entity) {
                states
                    .entry((shape.entity, row.record))
                    .or_default()
                    .take(row);
                let after = LogRow::side(row.after.as_deref()).unwrap_or_default();
                if shape.entity == Workspace::TABLE
                    && row.action == Action::Update
                    && after.contains_key("currency")
                {
                    // Rates are prices in the workspace's own currency, and go with it.
                    rates.clear();
                }
                continue;
            }
            let (named, parts) = match row.entity.as_str() {
                ATTRIBUTES => (["entity", "name"], &mut attributes),
                _ => (["currency", "day"], &mut rates),
            };
            let side = |text: &Option<String>| LogRow::side(text.as_deref()).unwrap_or_default();
            let name = match row.action {
                // What is gone is named by what it was.
                Action::Archive => name_of(&side(&row.before), named),
                _ => name_of(&side(&row.after), named),
            };
            // One that is made replaces one of its name; what changes one, or takes it away, goes on from what it was.
            let mut state = match row.action {
                Action::Create => State::default(),
                _ => parts.remove(&name).unwrap_or_default(),
            };
            state.take(row);
            if !state.removed || state.wrong.is_some() {
                parts.insert(name, state);
            }
        }
        for shape in &SHAPES {
            compare_shape(tx, workspace, shape, &mut states, findings).await?;
        }
        let statement =
            sql("SELECT entity, name, kind, about FROM attribute_definition WHERE workspace = ");
        let rows = statement.value(workspace).rows(tx).await?;
        let columns = ["entity", "name", "kind", "about"];
        compare_parts("attribute", columns, &rows, attributes, findings);
        // A day as text, on both engines.
        let statement = sql(
            "SELECT currency, CAST(day AS TEXT) AS day, rate, source FROM exchange_rate WHERE workspace = ",
        );
        let rows = statement.value(workspace).rows(tx).await?;
        let columns = ["currency", "day", "rate", "source"];
        compare_parts("exchange rate", columns, &rows, rates, findings);
        Ok(())
    }
}

fn digest_holds(row: &LogRow) -> bool {
    digest(row.before.as_deref(), row.after.as_deref()) == row.digest
}

fn sort_members(row: &mut LogRow) {
    for side in [&mut row.before, &mut row.after] {
        let Some(text) = side else { continue };
        let Ok(mut content) = LogRow::side(Some(text)) else {
            continue;
        };
        if let Some(Data::Array(members)) = content.get_mut("members") {
            members.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
            *side = Some(Data::Object(content).to_string());
        }
    }
    // It held before the order was changed.
    row.digest = digest(row.before.as_deref(), row.after.as_deref());
}

fn name_of(content: &Map<String, Data>, named: [&str; 2]) -> String {
    let words = named.map(|name| content.get(name).and_then(Data::as_str).unwrap_or("?"));
    words.join(" ")
}

async fn compare_shape(
    tx: &mut Tx,
    workspace: i64,
    shape: &Shape,
    states: &mut HashMap<(&'static str, i64), State>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut members = match shape.entity {
        Team::TABLE => members_of_teams(tx, workspace).await?,
        _ => HashMap::new(),
    };
    for row in sql(shape.select).value(workspace).rows(tx).await? {
        findings.found.records += 1;
        let id: i64 = row.get("id")?;
        let name = encode(shape.prefix, id);
        let mut content = Map::new();
        let mut unreadable = None;
        for (field, form) in shape.fields {
            match value(&row, field, *form) {
                Ok(Data::Null) => {}
                Ok(value) => _ = content.insert((*field).to_owned(), value),
                Err(_) => unreadable = unreadable.or(Some(*field)),
            }
        }
        let state = states.remove(&(shape.entity, id));
        if let Some(field) = unreadable {
            findings.add(name, Some(field), "cannot be read: the row is damaged");
            continue;
        }
        let Some(mut state) = state else {
            findings.add(
                name,
                None,
                "is there, and the change log knows nothing of it",
            );
            continue;
        };
        if let Some(what) = state.wrong {
            findings.add(name, None, what);
            continue;
        }
        if let Some(column) = shape.removed {
            let removed = row
                .get::<Option<Timestamp>>(column)
                .ok()
                .flatten()
                .is_some();
            if removed != state.removed {
                findings.add(&name, Some(column), DIFFERS);
            }
        }
        if state.removed {
            // A team that is gone has no members, and its last line in the log still names them.
            state.content.remove("members");
        }
        if let Some(members) = members.remove(&id) {
            content.insert("members".into(), json!(members));
        }
        for field in differing(&state.content, &content) {
            if Some(field.as_str()) != shape.removed
                || state.removed == content.contains_key(&field)
            {
                findings.add(&name, Some(&field), DIFFERS);
            }
        }
    }
    let mut left: Vec<i64> = states
        .keys()
        .filter(|(entity, _)| *entity == shape.entity)
        .map(|(_, id)| *id)
        .collect();
    left.sort_unstable();
    for id in left {
        let what = "is not there as the change log says";
        findings.add(encode(shape.prefix, id), None, what);
    }
    Ok(())
}

fn value(row: &Row, name: &str, form: Form) -> Result<Data> {
    Ok(match form {
        Form::Text => row.get::<Option<String>>(name)?.into(),
        Form::Number => row.get::<Option<i64>>(name)?.into(),
        Form::Json => row.get::<Json<Data>>(name)?.0,
        Form::Time => json!(row.get::<Option<Timestamp>>(name)?),
        Form::Member => json!(row.get::<Option<Id<Member>>>(name)?),
        Form::Fingerprint => fingerprint(&row.get::<Vec<u8>>(name)?).into(),
    })
}

async fn members_of_teams(tx: &mut Tx, workspace: i64) -> Result<HashMap<i64, Vec<String>>> {
    let rows = sql("SELECT team, member FROM team_member WHERE workspace = ")
        .value(workspace)
        .rows(tx)
        .await?;
    let mut members: HashMap<i64, Vec<String>> = HashMap::new();
    for row in rows {
        let member: Id<Member> = row.get("member")?;
        members
            .entry(row.get("team")?)
            .or_default()
            .push(member.to_string());
    }
    for of_team in members.values_mut() {
        of_team.sort();
    }
    Ok(members)
}

/// Compares what has no identifier of its own, by its name.
fn compare_parts(
    noun: &str,
    columns: [&str; 4],
    rows: &[Row],
    mut states: BTreeMap<String, State>,
    findings: &mut Findings<'_>,
) {
    let [first, second, ..] = columns;
    for row in rows {
        findings.found.records += 1;
        let mut content = Map::new();
        for column in columns {
            match row.get::<Option<String>>(column) {
                Ok(value) => _ = content.insert(column.to_owned(), value.into()),
                Err(_) => {
                    findings.add(noun, Some(column), "cannot be read: a row is damaged");
                }
            }
        }
        let name = name_of(&content, [first, second]);
        let shown = format!("{noun} {name}");
        match states.remove(&name) {
            None => findings.add(
                shown,
                None,
                "is there, and the change log knows nothing of it",
            ),
            Some(State {
                wrong: Some(what), ..
            }) => findings.add(shown, None, what),
            Some(state) => {
                for field in columns {
                    if !same(state.content.get(field), content.get(field)) {
                        findings.add(&shown, Some(field), DIFFERS);
                    }
                }
            }
        }
    }
    for name in states.into_keys() {
        findings.add(
            format!("{noun} {name}"),
            None,
            "is not there as the change log says",
        );
    }
}

/// Keys that open no workspace, which only somebody past Bureau makes, and those with two names.
pub(super) async fn keys_beside(tx: &mut Tx, found: &mut Replayed) -> Result<()> {
    let rows = sql(
        "SELECT k.id FROM api_key k LEFT JOIN api_key_grant g ON g.api_key = k.id
                    WHERE g.api_key IS NULL OR g.name <> k.name ORDER BY k.id",
    )
    .rows(tx)
    .await?;
    for row in rows {
        found.differences.push(Difference {
            workspace: "no workspace".into(),
            record: row.get::<Id<ApiKey>>("id")?.to_string(),
            field: None,
            what: "is there, and the change log knows nothing of it".into(),
        });
    }
    Ok(())
}
