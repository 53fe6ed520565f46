//! Lists of records: optional filters, any offered order, a cursor that keeps its place while rows come and go.

use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Datelike as _};
use serde::Serialize;

use crate::content;
use crate::error::{Code, Error, Result};
use crate::notice::Notice;
use crate::record::{AnyRecord, Cx, Link, Order, PARENT, Read, Record, Saved};
use crate::search::{self, Found, Hit, Query, Search, Words};
use crate::store::{Column, Kind, Row, Sql, Target, Value, sql};
use crate::touch::Touching;
use crate::types::id::{Entity, Id, encode};
use crate::types::page::{Cursor, Limit, Page};
use crate::types::text::{folded, quoted};
use crate::types::time::Timestamp;
use crate::types::words::is_filler;

/// A list under construction: made with [`Cx::list`], ended with [`List::page`] or [`List::search`].
pub struct List<'a, R: Record> {
    cx: &'a mut Cx,
    conditions: Vec<Condition>,
    /// Of each of these it has one of the values.
    index_keys: Vec<(&'static str, Vec<String>)>,
    /// Only these, in whatever order.
    only: Option<Vec<i64>>,
    record: PhantomData<R>,
}

struct Condition {
    column: &'static str,
    test: Test,
}

/// What is asked of a column.
enum Test {
    Equals(Value),
    Among(Vec<Value>),
    From(Value),
    To(Value),
    IsEmpty,
    IsNotEmpty,
    /// Somebody was in touch with it at or after the first moment, and nobody after the second.
    Touched {
        of: &'static str,
        workspace: Value,
        by: Vec<Touching>,
        from: Option<Value>,
        to: Option<Value>,
    },
    /// A live record of another kind names it in the column, and of that record all of this is so; or none does.
    Named {
        is_named: bool,
        of: &'static str,
        by: &'static str,
        workspace: Value,
        whose: Vec<Whose>,
    },
    /// It equals one of these, and another column lies before what stands beside that one.
    Before(&'static str, Vec<(Value, Value)>),
    /// It equals one of these, and another column lies between what stands beside that one.
    Within(&'static str, Vec<Part>),
}

/// What is so of a record that names another one ([`List::named_by`]).
#[derive(Debug, Clone)]
pub struct Whose {
    column: &'static str,
    is: Is,
}

#[derive(Debug, Clone)]
enum Is {
    Empty,
    Among(Vec<Value>),
    From(Value),
    To(Value),
    /// A live record of this table, of which in turn all of that is so.
    Naming(&'static str, Vec<Whose>),
}

impl Whose {
    /// Its column is one of these.
    #[must_use]
    pub fn is<T: Column>(column: &'static str, values: &[T]) -> Self {
        let values = values.iter().map(Column::to_value).collect();
        Self {
            column,
            is: Is::Among(values),
        }
    }

    /// Its column names a live record of this kind, of which all of that is so.
    #[must_use]
    pub fn names<O: Record>(column: &'static str, whose: Vec<Self>) -> Self {
        Self {
            column,
            is: Is::Naming(O::TABLE, whose),
        }
    }

    /// Nothing stands in its column.
    #[must_use]
    pub const fn empty(column: &'static str) -> Self {
        Self {
            column,
            is: Is::Empty,
        }
    }

    /// Its column is this or more.
    #[must_use]
    pub fn from(column: &'static str, least: &impl Column) -> Self {
        Self {
            column,
            is: Is::From(least.to_value()),
        }
    }

    /// Its column is this or less.
    #[must_use]
    pub fn to(column: &'static str, most: &impl Column) -> Self {
        Self {
            column,
            is: Is::To(most.to_value()),
        }
    }
}

/// A value of one column, and the first and last of another one.
pub type Within<V, B> = (V, Option<B>, Option<B>);
type Part = Within<Value, Value>;

/// Appends what is so of a record of this alias.
fn push_whose(statement: &mut Sql, alias: &'static str, workspace: &Value, whose: &[Whose]) {
    for whose in whose {
        if let Is::Naming(table, inner) = &whose.is {
            statement.push(" AND EXISTS (SELECT 1 FROM ");
            statement.push(table);
            statement.push(" AS named WHERE named.workspace = ");
            statement.push_value(workspace.clone());
            statement.push(" AND named.archived_at IS NULL AND named.id = ");
            statement.push(alias);
            statement.push(".");
            statement.push(whose.column);
            push_whose(statement, "named", workspace, inner);
            statement.push(")");
            continue;
        }
        statement.push(" AND ");
        statement.push(alias);
        statement.push(".");
        statement.push(whose.column);
        match &whose.is {
            Is::Empty => statement.push(" IS NULL"),
            Is::Among(values) => {
                statement.push(" IN ");
                statement.push_filled(values.clone());
            }
            Is::From(value) => {
                statement.push(" >= ");
                statement.push_value(value.clone());
            }
            Is::To(value) => {
                statement.push(" <= ");
                statement.push_value(value.clone());
            }
            Is::Naming(..) => {}
        }
    }
}

impl Condition {
    /// Whether it says what the index key of this name says.
    fn says(&self, field: &str) -> bool {
        matches!(self.test, Test::Equals(_) | Test::Among(_)) && self.column == field
    }

    const fn is_bound(&self) -> bool {
        matches!(self.test, Test::From(_) | Test::To(_))
    }

    /// Appends it after an `AND`. `before_column` keeps an index from being chosen for its sake.
    fn push(&self, statement: &mut Sql, before_column: &str) {
        let (compares, value) = match &self.test {
            Test::Before(other, pairs) => {
                return self.push_before(statement, before_column, other, pairs);
            }
            Test::Touched { .. } => return self.push_touched(statement),
            Test::Named { .. } => return self.push_named(statement),
            Test::Within(other, parts) => {
                return self.push_within(statement, before_column, other, parts);
            }
            Test::Equals(value) => (" = ", Some(value)),
            Test::Among(_) => (" IN ", None),
            Test::From(value) => (" >= ", Some(value)),
            Test::To(value) => (" <= ", Some(value)),
            Test::IsEmpty => (" IS NULL", None),
            Test::IsNotEmpty => (" IS NOT NULL", None),
        };
        statement.push(" AND ");
        statement.push(before_column);
        statement.push(self.column);
        statement.push(compares);
        if let Some(value) = value {
            statement.push_value(value.clone());
        }
        if let Test::Among(values) = &self.test {
            statement.push_list(values.iter().cloned());
        }
    }

    fn push_touched(&self, statement: &mut Sql) {
        let Test::Touched {
            of,
            workspace,
            by,
            from,
            to,
        } = &self.test
        else {
            return;
        };
        if let Some(from) = from {
            statement.push(" AND (1 = 0");
            for touching in by {
                statement.push(" OR ");
                touching.push_exists(statement, workspace, of, " >= ", from);
            }
            statement.push(")");
        }
        if let Some(to) = to {
            for touching in by {
                statement.push(" AND NOT ");
                touching.push_exists(statement, workspace, of, " > ", to);
            }
        }
    }

    fn push_named(&self, statement: &mut Sql) {
        let Test::Named {
            is_named,
            of,
            by,
            workspace,
            whose,
        } = &self.test
        else {
            return;
        };
        statement.push(if *is_named {
            " AND EXISTS"
        } else {
            " AND NOT EXISTS"
        });
        statement.push(" (SELECT 1 FROM ");
        statement.push(by);
        statement.push(" AS naming WHERE naming.workspace = ");
        statement.push_value(workspace.clone());
        statement.push(" AND naming.archived_at IS NULL AND naming.");
        statement.push(self.column);
        statement.push(" = ");
        statement.push(of);
        statement.push(".id");
        push_whose(statement, "naming", workspace, whose);
        statement.push(")");
    }

    fn push_within(&self, statement: &mut Sql, before_column: &str, other: &str, parts: &[Part]) {
        statement.push(" AND (1 = 0");
        for (value, from, to) in parts {
            statement.push(" OR (");
            statement.push(before_column);
            statement.push(self.column);
            statement.push(" = ");
            statement.push_value(value.clone());
            let bounds = [(" >= ", from), (" <= ", to)];
            for (compares, bound) in bounds {
                if let Some(bound) = bound {
                    statement.push(" AND ");
                    statement.push(before_column);
                    statement.push(other);
                    statement.push(compares);
                    statement.push_value(bound.clone());
                }
            }
            statement.push(")");
        }
        statement.push(")");
    }

    fn push_before(
        &self,
        statement: &mut Sql,
        before_column: &str,
        other: &str,
        pairs: &[(Value, Value)],
    ) {
        // With no pair there is nothing.
        statement.push(" AND (1 = 0");
        for (value, before) in pairs {
            statement.push(" OR (");
            statement.push(before_column);
            statement.push(self.column);
            statement.push(" = ");
            statement.push_value(value.clone());
            statement.push(" AND ");
            statement.push(before_column);
            statement.push(other);
            statement.push(" < ");
            statement.push_value(before.clone());
            statement.push(")");
        }
        statement.push(")");
    }
}

/// Where the rows of a page come from.
///
/// An order has an index, and its first rows are found at once where many records are asked for: there it is followed,
/// and what is not asked for is left out. Where few are, nearly all of the order would be passed over to find them, so
/// they are gathered by what they have in common and put in order then. An engine without statistics cannot tell the
/// two apart, and one with statistics guesses wrong where values depend on each other, so they are counted, up to
/// [`FEW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The index of the order.
    Order,
    /// The records with the index key of this number.
    IndexKey(usize),
    /// Those that an index finds by the conditions on these columns.
    Columns(Narrow),
    /// Those that are named by their identifiers.
    Only,
}

/// Conditions that leave few records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Narrow {
    /// All that say what a column equals.
    Equal,
    /// Those that bound this column.
    Bounds(&'static str),
}

impl Narrow {
    fn has(self, condition: &Condition) -> bool {
        match self {
            Self::Equal => {
                let is_equal = !matches!(
                    condition.test,
                    Test::IsNotEmpty | Test::Touched { .. } | Test::Named { .. }
                );
                !condition.is_bound() && is_equal
            }
            Self::Bounds(column) => condition.is_bound() && column == condition.column,
        }
    }
}

/// The order of what has some of the words of a search.
const SOME_WORDS: &str = "some words";

/// The order of a search's page.
const fn order_by(words: Words) -> &'static str {
    match words {
        Words::All => "relevance",
        Words::Most => SOME_WORDS,
    }
}

/// How deep a search by relevance goes.
pub(crate) const DEEPEST: usize = 1_000;
/// Of so many of the best hits it is looked up at first whether they meet the conditions that the index does not know: that
/// is mostly enough for a page.
const FIRST_HITS: usize = 1_000;
/// And of so many at most.
const MOST_HITS: usize = 10_000;

/// So many records are gathered and put in order; with more, the index of the order is followed.
const FEW: i64 = 3_000;
/// But not without end where each has to be looked up: what is asked for may all be at the far end of the order.
const NEAR: i64 = 10_000;
/// When it is not among the nearest, so many are gathered at most.
const MOST_GATHERED: i64 = 50_000;
/// Of a list that is cut, so many are counted.
const COUNTED: i64 = 1_000;

/// What a statement that counts others begins with.
const COUNT: &str = "SELECT COUNT(*) AS count FROM (SELECT 1 FROM ";

impl Cx {
    /// A list of live records of this workspace.
    pub fn list<R: Record>(&mut self) -> List<'_, R> {
        List {
            cx: self,
            conditions: Vec::new(),
            index_keys: Vec::new(),
            only: None,
            record: PhantomData,
        }
    }

    /// Those of these rows that can be read. For each of the others there is a notice: one damaged record does not hide the
    /// rest.
    pub(crate) fn readable<R: Record>(&mut self, rows: &[Row]) -> Result<Vec<Saved<R>>> {
        let read = Read::<Saved<R>>::records(rows)?;
        for error in &read.unreadable {
            self.notice(Notice::unreadable(error));
        }
        Ok(read.found)
    }
}

impl<R: Record> List<'_, R> {
    /// Only those whose column equals the value, where there is one.
    #[must_use]
    pub fn equal(self, column: &'static str, value: Option<impl Column>) -> Self {
        self.compare(column, Test::Equals, value)
    }

    /// Only those whose column equals the value, where there is one, and which have the index key of that name and value: a
    /// list reads the column, and a search knows the index key.
    #[must_use]
    pub fn same(self, column: &'static str, value: Option<impl Column + Serialize>) -> Self {
        let term = value
            .as_ref()
            .and_then(|value| serde_json::to_value(value).ok())
            .and_then(|value| value.as_str().map(str::to_owned));
        self.equal(column, value).term(column, term)
    }

    /// Only those at or after the value, where there is one.
    #[must_use]
    pub fn from(self, column: &'static str, value: Option<impl Column>) -> Self {
        self.compare(column, Test::From, value)
    }

    /// Only those at or before the value, where there is one.
    #[must_use]
    pub fn to(self, column: &'static str, value: Option<impl Column>) -> Self {
        self.compare(column, Test::To, value)
    }

    /// Only those whose column equals one of the values.
    pub(crate) fn among(mut self, column: &'static str, mut values: Vec<Value>) -> Self {
        let only = match values.len() {
            1 => values.pop(),
            _ => None,
        };
        let test = only.map_or(Test::Among(values), Test::Equals);
        self.conditions.push(Condition { column, test });
        self
    }

    /// Only those whose column equals one of these values, and whose other column lies before the moment that stands beside it,
    /// where there are such pairs.
    #[must_use]
    pub fn before(
        mut self,
        column: &'static str,
        other: &'static str,
        pairs: Option<Vec<(impl Column, Timestamp)>>,
    ) -> Self {
        if let Some(pairs) = pairs {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(value, moment)| (value.to_value(), moment.to_value()));
            let test = Test::Before(other, pairs.collect());
            self.conditions.push(Condition { column, test });
        }
        self
    }

    /// Only those whose column equals one of these values, and whose other column lies between the first and the last that stand
    /// beside it. A search knows the values, where they are index keys.
    #[must_use]
    pub fn within<V: Column + Serialize, B: Column>(
        mut self,
        column: &'static str,
        other: &'static str,
        parts: Option<Vec<Within<V, B>>>,
    ) -> Self {
        let Some(parts) = parts else { return self };
        let key = |(value, ..): &Within<V, B>| {
            let value = serde_json::to_value(value).ok()?;
            value.as_str().map(str::to_owned)
        };
        let keys: Vec<String> = parts.iter().filter_map(key).collect();
        if !keys.is_empty() {
            self.index_keys.push((column, keys));
        }
        let bound = |bound: Option<B>| bound.map(|bound| bound.to_value());
        let parts = parts.into_iter();
        let parts = parts.map(|(value, from, to)| (value.to_value(), bound(from), bound(to)));
        let test = Test::Within(other, parts.collect());
        self.conditions.push(Condition { column, test });
        self
    }

    /// Only those whose column names one of these.
    #[must_use]
    pub fn any_of<E: Entity>(self, column: &'static str, ids: &[Id<E>]) -> Self {
        self.among(column, ids.iter().map(Column::to_value).collect())
    }

    /// Only those which a live record of another kind names in this column, of which all of that is so; or only the others.
    #[must_use]
    pub fn named_by<O: Record>(
        mut self,
        column: &'static str,
        whose: Vec<Whose>,
        is_named: bool,
    ) -> Self {
        let test = Test::Named {
            is_named,
            of: R::TABLE,
            by: O::TABLE,
            workspace: self.cx.workspace().id.to_value(),
            whose,
        };
        self.conditions.push(Condition { column, test });
        self
    }

    /// Only those between the values, where there are any.
    pub(crate) fn between(
        mut self,
        column: &'static str,
        from: Option<Value>,
        to: Option<Value>,
    ) -> Self {
        let tests = from.map(Test::From).into_iter().chain(to.map(Test::To));
        let conditions = tests.map(|test| Condition { column, test });
        self.conditions.extend(conditions);
        self
    }

    /// Only those with which somebody was in touch at or after the first moment, and nobody after the second.
    ///
    /// # Errors
    /// [`Code::Forbidden`] for a caller who may not read what was done.
    pub(crate) fn touched(mut self, from: Option<Value>, to: Option<Value>) -> Result<Self> {
        let by = self.cx.touching(R::TABLE);
        if by.is_empty() {
            let message =
                "Who may not read activities cannot ask when somebody was last contacted.";
            return Err(Error::new(Code::Forbidden, message));
        }
        let test = Test::Touched {
            of: R::TABLE,
            workspace: self.cx.workspace().id.to_value(),
            by,
            from,
            to,
        };
        self.conditions.push(Condition { column: "", test });
        Ok(self)
    }

    /// Only those whose column is empty, or is not, where that is asked.
    #[must_use]
    pub fn is_empty(mut self, column: &'static str, empty: Option<bool>) -> Self {
        if let Some(empty) = empty {
            let test = if empty {
                Test::IsEmpty
            } else {
                Test::IsNotEmpty
            };
            self.conditions.push(Condition { column, test });
        }
        self
    }

    fn compare(
        mut self,
        column: &'static str,
        test: fn(Value) -> Test,
        value: Option<impl Column>,
    ) -> Self {
        if let Some(value) = value {
            let test = test(value.to_value());
            self.conditions.push(Condition { column, test });
        }
        self
    }

    /// Only those with this index key.
    #[must_use]
    pub fn term(mut self, field: &'static str, value: Option<String>) -> Self {
        if let Some(value) = value {
            self.index_keys.push((field, vec![value]));
        }
        self
    }

    /// Only those with one of these index keys.
    pub(crate) fn one_key(mut self, field: &'static str, values: Vec<String>) -> Self {
        self.index_keys.push((field, values));
        self
    }

    /// Only those with one of these index keys, where some are said.
    #[must_use]
    pub fn one_of_keys(self, field: &'static str, values: Option<Vec<String>>) -> Self {
        match values {
            Some(values) => self.one_key(field, values),
            None => self,
        }
    }

    /// Only those with all of these index keys.
    #[must_use]
    pub fn index_keys(
        mut self,
        field: &'static str,
        values: impl IntoIterator<Item = String>,
    ) -> Self {
        self.index_keys
            .extend(values.into_iter().map(|value| (field, vec![value])));
        self
    }

    fn statement(&self, first: &str) -> Sql {
        let mut statement = Saved::<R>::select_with(first);
        self.push_conditions(&mut statement, "", |_| true);
        self.push_index_keys(&mut statement, None);
        statement
    }

    /// The conditions on columns; an index may be chosen for the sake of those that `indexed` names.
    /// `before_workspace` keeps an index from being chosen for the workspace's sake.
    fn push_conditions(
        &self,
        statement: &mut Sql,
        before_workspace: &str,
        indexed: impl Fn(&Condition) -> bool,
    ) {
        statement.push(" WHERE ");
        statement.push(before_workspace);
        statement.push("workspace = ");
        statement.push_value(self.cx.workspace().id.to_value());
        statement.push(" AND archived_at IS NULL");
        self.cx.push_readable::<R>(statement);
        for condition in &self.conditions {
            let before_column = match indexed(condition) {
                true => "",
                false => self.cx.tx.without_index(),
            };
            condition.push(statement, before_column);
        }
        match self.only.as_deref() {
            None => {}
            Some([]) => statement.push(" AND 1 = 0"),
            Some(ids) => {
                statement.push(" AND id IN ");
                statement.push_ids(ids);
            }
        }
    }

    /// The index keys, each looked up for each record that is looked at; but for the one that the records come from.
    fn push_index_keys(&self, statement: &mut Sql, source: Option<usize>) {
        self.push_index_keys_of(statement, source, None);
    }

    /// The same; of the one that the records come from, so many at most.
    fn push_index_keys_of(&self, statement: &mut Sql, source: Option<usize>, most: Option<i64>) {
        for (index, (field, values)) in self.index_keys.iter().enumerate() {
            if source == Some(index) {
                statement.push(" AND id IN (SELECT record FROM record_key");
                self.push_term(statement, field, values);
                if let Some(most) = most {
                    statement.push(" LIMIT ");
                    statement.push_value(Value::Int(most));
                }
                statement.push(")");
            } else if !self.conditions.iter().any(|known| known.says(field)) {
                statement.push(" AND EXISTS (SELECT 1 FROM record_key");
                self.push_term(statement, field, values);
                statement.push(" AND record = ");
                statement.push(R::TABLE);
                // With an offset PostgreSQL does not turn it round and begin with all that have the index key.
                statement.push(".id LIMIT 1 OFFSET 0)");
            }
        }
    }

    fn push_term(&self, statement: &mut Sql, field: &str, values: &[String]) {
        statement.push(" WHERE workspace = ");
        statement.push_value(self.cx.workspace().id.to_value());
        statement.push(" AND entity = ");
        statement.push_value(Value::Text(R::TABLE.to_owned()));
        statement.push(" AND field = ");
        statement.push_value(Value::Text(field.to_owned()));
        match values {
            [value] => {
                statement.push(" AND value = ");
                statement.push_value(Value::Text(value.clone()));
            }
            values => {
                statement.push(" AND value IN ");
                statement.push_list(values.iter().cloned().map(Value::Text));
            }
        }
    }

    /// Whether the statement, up to its conditions, has no more rows than these.
    async fn are_few(&mut self, mut rows: Sql, most: i64) -> Result<bool> {
        rows.push(" LIMIT ");
        rows.push_value(Value::Int(most + 1));
        rows.push(") AS found");
        Ok(rows.one::<i64>("count", &mut self.cx.tx).await? <= most)
    }

    /// The first index key that no more records than these have.
    async fn rare_key(&mut self, most: i64) -> Result<Option<Source>> {
        for index in 0..self.index_keys.len() {
            let mut rows = sql(COUNT).sql("record_key");
            if let Some((field, values)) = self.index_keys.get(index) {
                self.push_term(&mut rows, field, values);
            }
            if self.are_few(rows, most).await? {
                return Ok(Some(Source::IndexKey(index)));
            }
        }
        Ok(None)
    }

    /// Whether following the order looks something up for each record.
    fn looks_up_each(&self) -> bool {
        let mut keys = self.index_keys.iter();
        keys.any(|(field, _)| !self.conditions.iter().any(|known| known.says(field)))
    }

    /// What stands in the order so many records on; nothing where there are fewer.
    async fn near_end(
        &mut self,
        order: Order,
        descending: bool,
        cursor: Option<&Cursor>,
    ) -> Result<Option<Value>> {
        let mut statement = sql("SELECT ");
        statement.push(order.column);
        statement.push(" AS order_key FROM ");
        statement.push(R::TABLE);
        statement.push(" WHERE workspace = ");
        statement.push_value(self.cx.workspace().id.to_value());
        statement.push(" AND archived_at IS NULL");
        if let Some(cursor) = cursor {
            push_after(&mut statement, order, order.column, descending, cursor)?;
        }
        push_order(&mut statement, order.column, descending);
        statement.push(" LIMIT 1 OFFSET ");
        statement.push_value(Value::Int(NEAR));
        let row = statement.row(&mut self.cx.tx).await?;
        let end = row.map(|row| row.value("order_key", order.kind));
        // One that cannot be read ends nothing.
        Ok(end.and_then(std::result::Result::ok))
    }

    /// Where the page's rows are best taken from.
    async fn source(&mut self, order: Order) -> Result<Source> {
        if self.only.is_some() {
            return Ok(Source::Only);
        }
        if let Some(key) = self.rare_key(FEW).await? {
            return Ok(key);
        }
        let mut narrow = Vec::new();
        let equal = self.conditions.iter().filter(|its| Narrow::Equal.has(its));
        if equal.count() > 1 {
            narrow.push(Narrow::Equal);
        }
        for condition in &self.conditions {
            let bounds = Narrow::Bounds(condition.column);
            // In this order they stand together already.
            if condition.is_bound() && condition.column != order.column && !narrow.contains(&bounds)
            {
                narrow.push(bounds);
            }
        }
        for narrow in narrow {
            let mut rows = sql(COUNT);
            rows.push(R::TABLE);
            rows.push(" WHERE workspace = ");
            rows.push_value(self.cx.workspace().id.to_value());
            rows.push(" AND archived_at IS NULL");
            for condition in self.conditions.iter().filter(|its| narrow.has(its)) {
                condition.push(&mut rows, "");
            }
            if self.are_few(rows, FEW).await? {
                return Ok(Source::Columns(narrow));
            }
        }
        Ok(Source::Order)
    }

    /// One page: of those that match the text, best first, where there is one, and otherwise in the order that is asked for
    /// or the usual one.
    ///
    /// # Errors
    /// [`Code::Validation`] when an order is asked for beside a text, or for a cursor of
    /// another order.
    pub async fn query_or_page(
        self,
        query: Option<&str>,
        order: Option<Order>,
        usual: Order,
        descending: Option<bool>,
        limit: Limit,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Saved<R>>> {
        let descending_or_not = descending.unwrap_or(false);
        let Some(query) = query else {
            let order = order.unwrap_or(usual);
            return self.page(order, descending_or_not, limit, cursor).await;
        };
        if order.is_none() && descending.is_none() {
            return self.search(query, limit, cursor).await;
        }
        let list = self.matching(query).await?;
        let order = order.unwrap_or(usual);
        list.page(order, descending_or_not, limit, cursor).await
    }

    /// How many there are, in the answer's `page.total` too.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn counted(self, query: Option<&str>) -> Result<i64> {
        let list = match query {
            Some(query) => self.matching(query).await?,
            None => self,
        };
        let mut statement = sql("SELECT COUNT(*) AS count FROM ");
        statement.push(R::TABLE);
        list.push_conditions(&mut statement, "", |_| true);
        list.push_index_keys(&mut statement, None);
        let total = statement.one("count", &mut list.cx.tx).await?;
        list.cx.note_total(total);
        Ok(total)
    }

    /// What these columns come to, of all that there are and not only of a page: a row for each combination of what stands in
    /// `by`, with its `count`, and with each sum as [`Row::sum`] reads it.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn sums(
        self,
        query: Option<&str>,
        by: &[&'static str],
        columns: &[&'static str],
    ) -> Result<Vec<Row>> {
        let list = match query {
            Some(query) => self.matching(query).await?,
            None => self,
        };
        let mut statement = sql("SELECT ");
        for column in by {
            statement = statement.sql(column).sql(", ");
        }
        statement = statement.sql("COUNT(*) AS count");
        for column in columns {
            statement = statement.sql(", ").sum(column);
        }
        statement = statement.sql(" FROM ").sql(R::TABLE);
        list.push_conditions(&mut statement, "", |_| true);
        list.push_index_keys(&mut statement, None);
        let mut before = " GROUP BY ";
        for column in by {
            statement = statement.sql(before).sql(column);
            before = ", ";
        }
        statement.rows(&mut list.cx.tx).await
    }

    /// Says of a list that is cut how many there are, up to [`COUNTED`]: so that nobody takes a page for all, or asks for the rest
    /// of what is too much to read.
    async fn note_size(&mut self, source: Source) -> Result<()> {
        let mut rows = sql("SELECT COUNT(*) AS count FROM (SELECT 1 FROM ");
        rows.push(R::TABLE);
        // Where an order is followed, many have each index key, and to look at all of them is more than the page took.
        let (term, is_part) = match source {
            Source::IndexKey(index) => (Some(index), false),
            Source::Order => {
                let mut keys = self.index_keys.iter();
                let unsaid = keys
                    .position(|(field, _)| !self.conditions.iter().any(|known| known.says(field)));
                (unsaid, unsaid.is_some())
            }
            Source::Columns(_) | Source::Only => (None, false),
        };
        let is_by_id = term.is_some() || source == Source::Only;
        let without_index = self.cx.tx.without_index();
        let before_workspace = if is_by_id { without_index } else { "" };
        self.push_conditions(&mut rows, before_workspace, |condition| match source {
            Source::Columns(narrow) => narrow.has(condition),
            _ => !is_by_id,
        });
        let most = is_part.then_some(COUNTED + 1);
        self.push_index_keys_of(&mut rows, term, most);
        rows.push(" LIMIT ");
        rows.push_value(Value::Int(COUNTED + 1));
        rows.push(") AS found");
        let count: i64 = rows.one("count", &mut self.cx.tx).await?;
        if count > COUNTED {
            self.cx.note_more_than(COUNTED);
        } else if !is_part {
            self.cx.note_total(count);
        }
        Ok(())
    }

    /// Only those that match the text, as many of the best as a search goes deep.
    async fn matching(mut self, text: &str) -> Result<Self> {
        let ((rows, more), _) = self.found(text, 0, DEEPEST, None).await?;
        if more {
            self.cx.notice(Notice::truncated(format!(
                "Only the best {DEEPEST} matches of the text are put in order, and there are more: narrow the query."
            )));
        }
        self.only = Some(rows.iter().map(|saved| saved.id.raw()).collect());
        Ok(self)
    }

    /// One page in an order.
    ///
    /// # Errors
    /// [`Code::Validation`] for a cursor of another order.
    pub async fn page(
        mut self,
        order: Order,
        descending: bool,
        limit: Limit,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Saved<R>>> {
        let mut source = self.source(order).await?;
        if source == Source::Order
            && self.looks_up_each()
            && let Some(end) = self.near_end(order, descending, cursor).await?
        {
            let near = self.rows_from(source, order, descending, limit, cursor, Some(end));
            let (rows, next) = near.await?;
            if next.is_some() {
                return self.cut(source, rows, next, cursor).await;
            }
            source = self.rare_key(MOST_GATHERED).await?.unwrap_or(source);
        }
        let rows = self.rows_from(source, order, descending, limit, cursor, None);
        let (rows, next) = rows.await?;
        self.cut(source, rows, next, cursor).await
    }

    /// A page of these rows.
    async fn cut(
        &mut self,
        source: Source,
        rows: Vec<Row>,
        next: Option<String>,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Saved<R>>> {
        // The first page says how many there are, and whoever goes on knows.
        if next.is_some() && cursor.is_none() {
            self.note_size(source).await?;
        }
        let rows = self.cx.readable(&rows)?;
        Ok(Page { rows, next })
    }

    /// The rows of such a page, and its cursor, from one source; with an `end`, of what comes no later in the order.
    async fn rows_from(
        &mut self,
        source: Source,
        order: Order,
        descending: bool,
        limit: Limit,
        cursor: Option<&Cursor>,
        end: Option<Value>,
    ) -> Result<(Vec<Row>, Option<String>)> {
        let without_index = self.cx.tx.without_index();
        let mut statement = Saved::<R>::select_with(&format!("{} AS order_key, ", order.column));
        // Records of an index key are read by their identifiers.
        let (term, before_workspace) = match source {
            Source::IndexKey(index) => (Some(index), without_index),
            Source::Only => (None, without_index),
            Source::Order | Source::Columns(_) => (None, ""),
        };
        self.push_conditions(&mut statement, before_workspace, |condition| match source {
            Source::Order => {
                let is_one = !matches!(condition.test, Test::Among(_) | Test::Before(..));
                condition.column == order.column
                    || (is_one && order.within == Some(condition.column))
            }
            Source::IndexKey(_) | Source::Only => false,
            Source::Columns(narrow) => narrow.has(condition),
        });
        self.push_index_keys(&mut statement, term);
        let column = match source {
            Source::Order => order.column.to_owned(),
            Source::IndexKey(_) | Source::Columns(_) | Source::Only => {
                self.cx.tx.not_by_index(order.column)
            }
        };
        if let Some(cursor) = cursor {
            push_after(&mut statement, order, &column, descending, cursor)?;
        }
        if let Some(end) = end {
            statement.push(" AND ");
            statement.push(&column);
            statement.push(if descending { " >= " } else { " <= " });
            statement.push_value(end);
        }
        push_order(&mut statement, &column, descending);
        // A page ends with a row whose place in the order can be read, because the next one begins there.
        let mut most = limit.rows();
        loop {
            let mut statement = statement.clone();
            statement.push(" LIMIT ");
            statement.push_value(Value::Int(most as i64 + 1));
            let mut rows = statement.rows(&mut self.cx.tx).await?;
            let more = rows.len() > most;
            rows.truncate(most);
            let Some(last) = rows.last().filter(|_| more) else {
                return Ok((rows, None));
            };
            if let Ok(key) = key_text(last, order.kind) {
                let id = last.get("id")?;
                let order = order_name(order, descending);
                let next = Cursor { order, key, id }.encode();
                return Ok((rows, Some(next)));
            }
            most += 1;
        }
    }

    /// One page of those that match the text, best first.
    ///
    /// # Errors
    /// [`Code::Validation`] for a cursor of another order;
    /// [`Code::Unavailable`] when the index is being built and the database alone
    /// cannot answer in time.
    pub async fn search(
        mut self,
        text: &str,
        limit: Limit,
        cursor: Option<&Cursor>,
    ) -> Result<Page<Saved<R>>> {
        let (words, offset) = match cursor {
            None => (None, 0),
            Some(cursor) => {
                let words = match cursor.order.as_str() {
                    SOME_WORDS => Words::Most,
                    _ => Words::All,
                };
                let place = cursor.place(order_by(words))?;
                let offset = usize::try_from(place).ok();
                let offset = offset.filter(|offset| *offset < DEEPEST);
                (Some(words), offset.ok_or_else(Cursor::foreign)?)
            }
        };
        let ((rows, more), words) = self.found(text, offset, limit.rows(), words).await?;
        let end = offset + limit.rows();
        if more && end >= DEEPEST {
            self.cx.notice(Notice::truncated(format!(
                "A search goes {DEEPEST} records deep, and there are more: narrow it to see them."
            )));
        }
        let next =
            (more && end < DEEPEST).then(|| Cursor::at(order_by(words), end as i64).encode());
        Ok(Page { rows, next })
    }

    /// A page of those that match the text, whether more follow, and how many of the words they have: where it is not said,
    /// all, or most if none has all.
    async fn found(
        &mut self,
        text: &str,
        offset: usize,
        limit: usize,
        words: Option<Words>,
    ) -> Result<((Vec<Saved<R>>, bool), Words)> {
        let first = words.unwrap_or_default();
        let found = self.with_words(text, first, offset, limit).await?;
        let may_have_some = || {
            let (telling, fillers) = search::telling(text);
            telling.len() + fillers.len() > 1
        };
        if words.is_some() || !found.0.is_empty() || !may_have_some() {
            return Ok((found, first));
        }
        let found = self.with_words(text, Words::Most, offset, limit).await?;
        Ok((found, Words::Most))
    }

    /// The best of those that match all of the text.
    ///
    /// # Errors
    /// As [`List::search`].
    pub async fn having_all(mut self, text: &str, limit: Limit) -> Result<Vec<Saved<R>>> {
        let found = self.with_words(text, Words::All, 0, limit.rows()).await?;
        Ok(found.0)
    }

    async fn with_words(
        &mut self,
        text: &str,
        words: Words,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Saved<R>>, bool)> {
        // Where the index has not come as far as the caller's own last write, the database has.
        let found = match self.cx.tx.seen_of_log() {
            Some(at_least) => self.hits(text, words, offset, limit, at_least).await?,
            None => None,
        };
        match found {
            Some(found) => Ok(found),
            None => self.scan(text, words, offset, limit).await,
        }
    }

    /// A page of what the index finds, and whether more follow; none where the index has not come as far as `at_least`.
    async fn hits(
        &mut self,
        text: &str,
        words: Words,
        offset: usize,
        limit: usize,
        at_least: i64,
    ) -> Result<Option<(Vec<Saved<R>>, bool)>> {
        let app = self.cx.app.clone();
        let Some(search) = &app.search else {
            return Ok(None);
        };
        let filters: Vec<Vec<String>> = self
            .index_keys
            .iter()
            .map(|(field, values)| {
                let filter = |value: &String| crate::record::filter(field, value);
                values.iter().map(filter).collect()
            })
            .collect();
        let workspace = self.cx.workspace().id.raw();
        let readers = self.cx.searching_for::<R>().await?;
        let query = |limit, offset| Query {
            workspace,
            kinds: vec![R::TABLE],
            readers: readers.clone(),
            text: text.to_owned(),
            filters: filters.clone(),
            limit,
            offset,
            at_least,
            words,
        };
        // The search index knows index keys only. What else is asked for is looked up for the best hits.
        let known = |condition: &Condition| {
            self.index_keys
                .iter()
                .any(|(field, _)| condition.says(field))
        };
        let mut parts = None;
        if words == Words::All && self.conditions.iter().all(known) {
            let found = search.find_now(query(limit, offset)).await;
            let Found::Hits { hits, more, unread } = found else {
                return Ok(None);
            };
            // What is found by its parts comes after what is found by itself.
            if !more {
                let Some(found) = self.found_by_parts(search, &query(FIRST_HITS, 0)).await? else {
                    return Ok(None);
                };
                parts = Some(found);
            }
            if parts.as_ref().is_none_or(|parts| parts.parents.is_empty()) {
                self.name_unread(&unread);
                let ids: Vec<i64> = hits.iter().map(|hit| hit.id).collect();
                return Ok(Some((self.those(&ids).await?, more)));
            }
        }
        let end = offset + limit;
        let mut matching: Vec<i64> = Vec::new();
        let mut looked_at = HashSet::new();
        let mut more_hits = true;
        let mut has = HashMap::new();
        for most in [FIRST_HITS, MOST_HITS] {
            if !more_hits || matching.len() > end {
                break;
            }
            let found = search.find_now(query(most, 0)).await;
            let Found::Hits { hits, more, unread } = found else {
                return Ok(None);
            };
            self.name_unread(&unread);
            more_hits = more;
            has.extend(hits.iter().map(|hit| (hit.id, hit.words)));
            let new = hits.iter().map(|Hit { id, .. }| *id);
            let new: Vec<i64> = new.filter(|id| looked_at.insert(*id)).collect();
            for ids in new.chunks(FIRST_HITS) {
                if matching.len() <= end {
                    matching.extend(self.meeting(ids).await?);
                }
            }
        }
        let mut by = FoundBy::new();
        if words == Words::Most {
            // What has most of the words, and nothing that has fewer.
            let most = matching.first().and_then(|id| has.get(id)).copied();
            matching.retain(|id| has.get(id).copied() == most);
            more_hits &= matching.len() == looked_at.len();
            self.name_words(text, most);
        } else if !more_hits && matching.len() <= end {
            let parts = match parts {
                Some(parts) => parts,
                None => match self.found_by_parts(search, &query(FIRST_HITS, 0)).await? {
                    Some(parts) => parts,
                    None => return Ok(None),
                },
            };
            more_hits = parts.more;
            by = parts.by;
            let new = parts.parents.iter().copied();
            let new: Vec<i64> = new.filter(|id| looked_at.insert(*id)).collect();
            for ids in new.chunks(FIRST_HITS) {
                matching.extend(self.meeting(ids).await?);
            }
        }
        let more = matching.len() > end;
        if more_hits && !more {
            self.cx.notice(Notice::truncated(format!(
                "Only the best {MOST_HITS} matches of the text were looked through, and there are more: narrow the query."
            )));
        }
        let ids: Vec<i64> = matching.into_iter().skip(offset).take(limit).collect();
        self.name_parts(&ids, &by);
        Ok(Some((self.those(&ids).await?, more)))
    }

    /// The kinds of searched records that may belong to one of the list, as far as the caller may read them: by their text it is
    /// found too.
    fn searched_parts(&self) -> Vec<(&'static dyn AnyRecord, Link)> {
        let registry = self.cx.records();
        let parts = registry.referring_to(R::TABLE);
        parts
            .filter(|(kind, link)| link.column.is_parent && kind.is_searched())
            .filter(|(kind, _)| self.cx.may_read(kind.table()))
            .collect()
    }

    /// Those that the index finds by what belongs to them; none where it has not come as far as it is asked to.
    async fn found_by_parts(&mut self, search: &Search, query: &Query) -> Result<Option<ByParts>> {
        let mut found = ByParts::default();
        for (kind, link) in self.searched_parts() {
            let query = Query {
                kinds: vec![kind.table()],
                readers: self.cx.searching(&[kind]).await?,
                // A column for any kind is in the index with the kind; one for this table needs no word of it.
                filters: match link.column.refers_to {
                    Some(Target::Any) => vec![vec![crate::record::filter(PARENT, R::PREFIX)]],
                    _ => Vec::new(),
                },
                ..query.clone()
            };
            let Found::Hits { hits, more, .. } = search.find_now(query).await else {
                return Ok(None);
            };
            found.more |= more;
            let hits: Vec<i64> = hits.iter().map(|hit| hit.id).collect();
            found.add(kind, kind.parents(self.cx, link, &hits).await?);
        }
        Ok(Some(found))
    }

    /// Says how many of the words are found, where some are.
    fn name_words(&mut self, text: &str, has: Option<usize>) {
        let Some(has) = has else { return };
        let (telling, fillers) = search::telling(text);
        let what = if has < telling.len() {
            format!("these have {has} of {}", telling.len())
        } else {
            let fillers: Vec<String> = fillers.iter().map(|word| quoted(word)).collect();
            format!("{} was passed over", fillers.join(", "))
        };
        let noun = R::NOUN;
        self.cx.notice(Notice::some_words(format!(
            "No {noun} has all of the searched words: {what}."
        )));
    }

    /// Says of these which of them were found by what belongs to them.
    fn name_parts(&mut self, ids: &[i64], by: &FoundBy) {
        for id in ids {
            if let Some((noun, part)) = by.get(id) {
                let record = encode(R::PREFIX, *id);
                self.cx.notice(Notice::found_by_part(record, noun, part));
            }
        }
    }

    /// Names what the index has no text of: it may or may not be what is searched for.
    fn name_unread(&mut self, unread: &[(&'static str, i64)]) {
        for (_, id) in unread {
            let id = Id::<R>::from_raw(*id);
            let error = Error::unreadable(R::NOUN, id, "the search index has no text of it");
            self.cx.notice(Notice::unreadable(&error));
        }
    }

    /// The conditions of the list, for records that are read by their identifiers.
    fn push_by_id(&self, statement: &mut Sql, ids: &[i64]) {
        self.push_conditions(statement, self.cx.tx.without_index(), |_| false);
        self.push_index_keys(statement, None);
        statement.push(" AND id IN ");
        statement.push_ids(ids);
    }

    /// The identifiers of those of the list that have these, in their order.
    async fn meeting(&mut self, ids: &[i64]) -> Result<Vec<i64>> {
        let mut statement = sql("SELECT id FROM ");
        statement.push(R::TABLE);
        self.push_by_id(&mut statement, ids);
        let rows = statement.rows(&mut self.cx.tx).await?;
        let found = rows.iter().map(|row| row.get("id"));
        let found: HashSet<i64> = found.collect::<Result<_>>()?;
        Ok(ids
            .iter()
            .copied()
            .filter(|id| found.contains(id))
            .collect())
    }

    /// Those of the list that have these identifiers, in their order.
    async fn those(&mut self, ids: &[i64]) -> Result<Vec<Saved<R>>> {
        let mut statement = Saved::<R>::select();
        self.push_by_id(&mut statement, ids);
        let rows = statement.rows(&mut self.cx.tx).await?;
        let found = self.cx.readable::<R>(&rows)?.into_iter();
        let mut found: HashMap<i64, Saved<R>> =
            found.map(|saved| (saved.id.raw(), saved)).collect();
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Reads the records one after the other, newest first: what searches while there is no index.
    async fn scan(
        &mut self,
        text: &str,
        words: Words,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<Saved<R>>, bool)> {
        const TIME_LIMIT: Duration = Duration::from_secs(10);
        let started = Instant::now();
        let need = words;
        let words: Arc<[String]> = match need {
            Words::All => words_of(text).collect(),
            Words::Most => {
                let (fillers, telling): (Vec<_>, Vec<_>) =
                    words_of(text).partition(|word| is_filler(word));
                if telling.is_empty() { fillers } else { telling }.into()
            }
        };
        // Once some have more of the words, those that have fewer are not wanted.
        let mut least = match need {
            Words::All => words.len(),
            Words::Most => search::least(words.len()),
        };
        let mut matching = Vec::new();
        let mut by = FoundBy::new();
        let mut before = i64::MAX;
        while matching.len() <= offset + limit || need == Words::Most {
            if started.elapsed() > TIME_LIMIT {
                // An index that hangs has most of it all the same.
                let Some(found) = self.hits(text, need, offset, limit, 0).await? else {
                    return Err(Error::new(
                        Code::Unavailable,
                        "The search index is being built, and without it this takes too long.",
                    )
                    .hint("Try again in a minute, or list with filters instead of a text.")
                    .retry_after(30));
                };
                self.cx.notice(Notice::stale(
                    "The search index does not keep up: what was written last may be missing.",
                ));
                return Ok(found);
            }
            let (mut found, next) = self.next_matching(&words, least, before).await?;
            if need == Words::Most {
                let most = found.iter().map(|(_, has)| *has).max().unwrap_or(0);
                if most > least {
                    matching.clear();
                    least = most;
                }
                found.retain(|(_, has)| *has == least);
                found.truncate((offset + limit + 1).saturating_sub(matching.len()));
            }
            matching.extend(found.into_iter().map(|(saved, _)| saved));
            match next {
                Some(next) => before = next,
                None if need == Words::Most => {
                    let some = matching.first().map(|_| least);
                    self.name_words(text, some);
                    break;
                }
                None => {
                    let until = started + TIME_LIMIT;
                    by = self.scan_parts(&words, &mut matching, until).await?;
                    break;
                }
            }
        }
        let more = matching.len() > offset + limit;
        let page = matching.into_iter().skip(offset).take(limit);
        let page: Vec<Saved<R>> = page.collect();
        let ids: Vec<i64> = page.iter().map(|saved| saved.id.raw()).collect();
        self.name_parts(&ids, &by);
        Ok((page, more))
    }

    /// Those with at least so many of these words among the next of the list before an identifier, newest first, and where to go on.
    async fn next_matching(
        &mut self,
        words: &Arc<[String]>,
        least: usize,
        before: i64,
    ) -> Result<(Vec<(Saved<R>, usize)>, Option<i64>)> {
        // What holds a file may have a book's words in it.
        let batch = if R::HOLDS_CONTENT { 16 } else { 1_000 };
        let mut statement = self.statement("");
        statement.push(" AND id < ");
        statement.push_value(Value::Int(before));
        statement.push(" ORDER BY id DESC LIMIT ");
        statement.push_value(Value::Int(batch));
        let rows = statement.rows(&mut self.cx.tx).await?;
        let is_last = (rows.len() as i64) < batch;
        let held = if R::HOLDS_CONTENT {
            let ids = rows.iter().map(|row| row.get("id"));
            let ids = ids.collect::<Result<Vec<i64>>>()?;
            let workspace = self.cx.workspace().id.raw();
            content::words(&mut self.cx.tx, workspace, &ids).await?
        } else {
            HashMap::new()
        };
        let words = Arc::clone(words);
        // Reading and comparing a thousand records keeps a core busy.
        let look = move || {
            let read = Read::<Saved<R>>::records(&rows)?;
            let counted = read.found.into_iter().map(|saved| {
                let has = found_words(&saved, held.get(&saved.id.raw()), &words);
                (saved, has)
            });
            Ok::<_, Error>(Read {
                found: counted.filter(|(_, has)| *has >= least).collect(),
                last: read.last,
                unreadable: read.unreadable,
            })
        };
        let read = self.cx.compute_while_reading(look).await??;
        for error in &read.unreadable {
            self.cx.notice(Notice::unreadable(error));
        }
        Ok((read.found, read.last.filter(|_| !is_last)))
    }

    /// Adds those of the list that have a part with these words, where they do not have them themselves; answers the part of
    /// each.
    async fn scan_parts(
        &mut self,
        words: &Arc<[String]>,
        matching: &mut Vec<Saved<R>>,
        until: Instant,
    ) -> Result<FoundBy> {
        let mut known: HashSet<i64> = matching.iter().map(|saved| saved.id.raw()).collect();
        let mut parts = ByParts::default();
        for (kind, link) in self.searched_parts() {
            let found = kind.scan(self.cx, Arc::clone(words), until).await?;
            parts.add(kind, kind.parents(self.cx, link, &found).await?);
        }
        parts.parents.retain(|id| known.insert(*id));
        for ids in parts.parents.chunks(FIRST_HITS) {
            matching.extend(self.those(ids).await?);
        }
        Ok(parts.by)
    }
}

/// By which part a record is found: what that is called, and its identifier.
type FoundBy = HashMap<i64, (&'static str, String)>;

/// What is found by what belongs to it.
#[derive(Default)]
struct ByParts {
    /// Those whose parts match best first.
    parents: Vec<i64>,
    by: FoundBy,
    /// More parts match than were looked at.
    more: bool,
}

impl ByParts {
    /// Adds parts of a kind, each after what it belongs to.
    fn add(&mut self, kind: &dyn AnyRecord, parts: Vec<(i64, i64)>) {
        for (parent, part) in parts {
            self.by.entry(parent).or_insert_with(|| {
                self.parents.push(parent);
                (kind.noun(), encode(kind.prefix(), part))
            });
        }
    }
}

/// The live records with these words, newest first, as far as they are found in time.
pub(crate) async fn scan_all<R: Record>(
    cx: &mut Cx,
    words: Arc<[String]>,
    until: Instant,
) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    let mut before = i64::MAX;
    while Instant::now() < until && found.len() < DEEPEST {
        let (matching, next) = cx
            .list::<R>()
            .next_matching(&words, words.len(), before)
            .await?;
        found.extend(matching.iter().map(|(saved, _)| saved.id.raw()));
        match next {
            Some(next) => before = next,
            None => return Ok(found),
        }
    }
    cx.notice(Notice::truncated(
        "Not all that belongs to such records was looked through.",
    ));
    Ok(found)
}

/// The words of a text, as far as they are looked at.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = String> {
    let folded = folded(text);
    let words = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .take(12)
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// How many of the words stand somewhere in the record, or in what it holds: as the start of a word, or with a typo.
fn found_words<R: Record>(record: &Saved<R>, held: Option<&String>, words: &[String]) -> usize {
    let text = record.text().unwrap_or_default();
    let folded_text = folded(&format!(
        "{} {} {} {}",
        record.label(),
        text.words.join(" "),
        text.numbers.join(" "),
        held.map_or("", String::as_str)
    ));
    let known: Vec<&str> = folded_text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let digits: Vec<String> = text
        .numbers
        .iter()
        .map(|number| crate::types::phone::digits(number))
        .collect();
    let is_there = |word: &&String| {
        let typos = match word.chars().count() {
            0..4 => 0,
            4..8 => 1,
            _ => 2,
        };
        known.iter().any(|other| {
            other.starts_with(word.as_str())
                || (typos > 0 && strsim::osa_distance(word, other) <= typos)
        }) || (word.len() >= 3 && digits.iter().any(|number| number.contains(word.as_str())))
    };
    words.iter().filter(is_there).count()
}

/// The name of an order and its direction, as cursors have it.
fn order_name(order: Order, descending: bool) -> String {
    format!("{}{}", if descending { "-" } else { "" }, order.name)
}

/// Appends that a record comes after a cursor.
fn push_after(
    statement: &mut Sql,
    order: Order,
    column: &str,
    descending: bool,
    cursor: &Cursor,
) -> Result<()> {
    let key = key_value(order.kind, &cursor.key)
        .filter(|_| cursor.order == order_name(order, descending))
        .ok_or_else(Cursor::foreign)?;
    statement.push(" AND (");
    statement.push(column);
    statement.push(if descending { ", id) < (" } else { ", id) > (" });
    statement.push_value(key);
    statement.push(", ");
    statement.push_value(Value::Int(cursor.id));
    statement.push(")");
    Ok(())
}

fn push_order(statement: &mut Sql, column: &str, descending: bool) {
    let direction = if descending { " DESC" } else { "" };
    statement.push(" ORDER BY ");
    statement.push(column);
    statement.push(direction);
    statement.push(", id");
    statement.push(direction);
}

fn key_value(kind: Kind, key: &str) -> Option<Value> {
    Some(match kind {
        Kind::Int => Value::Int(key.parse().ok()?),
        Kind::Text => Value::Text(key.to_owned()),
        Kind::Date => Value::Date(key.parse().ok()?),
        // Only what every engine can hold is a time.
        Kind::Time => Value::Time(
            DateTime::from_timestamp_micros(key.parse().ok()?)
                .filter(|time| (1..=9_999).contains(&time.year()))?,
        ),
        Kind::Bool | Kind::Json | Kind::Bytes => return None,
    })
}

fn key_text(row: &Row, kind: Kind) -> Result<String> {
    const KEY: &str = "order_key";
    Ok(match kind {
        Kind::Int => row.get::<i64>(KEY)?.to_string(),
        Kind::Text => row.get(KEY)?,
        Kind::Date => row.get::<chrono::NaiveDate>(KEY)?.to_string(),
        Kind::Time => row.get::<Timestamp>(KEY)?.timestamp_micros().to_string(),
        Kind::Bool | Kind::Json | Kind::Bytes => {
            return Err(Error::internal("no list is ordered by such a column"));
        }
    })
}
