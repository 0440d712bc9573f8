//! The bot's own SQL on the store's file, by a connection of its own.
//!
//! It must use the SQLite of the core: two copies of SQLite in one process do not see each other's locks on a
//! file, drop them, and truncate the log's index of the other.

use std::time::Duration;

use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Batch, Connection, OpenFlags, Statement};

use super::file::Location;
use super::queue::lock;
use super::{Store, process};

/// How long a statement waits for a lock.
const BUSY: Duration = Duration::from_secs(5);

/// The values of one execution, by position or by name.
#[derive(Debug, Clone)]
pub enum Values {
    Ordered(Vec<Value>),
    /// Names without their prefix.
    Named(Vec<(String, Value)>),
}

/// The result of a statement.
#[derive(Debug, Default)]
pub struct Answer {
    /// The column names; None for a statement without rows.
    pub columns: Option<Vec<String>>,
    pub rows: Vec<Vec<Value>>,
    /// The number of changed rows; None for a statement with rows.
    pub changed: Option<usize>,
    pub last_row: i64,
}

impl Store {
    /// Execute one statement, once per set of `values`. With `begin` a transaction is begun if none is open.
    pub fn sql(&self, text: &str, values: &[Values], begin: bool) -> Result<Answer, rusqlite::Error> {
        self.with_sql(|connection| {
            let mut batch = Batch::new(connection, text);
            let Some(mut statement) = batch.next()? else { return Ok(Answer::default()) };
            if batch.next()?.is_some() {
                return Err(rusqlite::Error::MultipleStatement);
            }
            if begin && connection.is_autocommit() {
                connection.execute_batch("BEGIN")?;
            }
            let mut answer = Answer::default();
            for values in values {
                bind(&mut statement, values)?;
                run(&mut statement, &mut answer)?;
            }
            answer.last_row = connection.last_insert_rowid();
            Ok(answer)
        })
    }

    /// Execute several statements without values.
    pub fn sql_script(&self, text: &str) -> Result<(), rusqlite::Error> {
        self.with_sql(|connection| connection.execute_batch(text))
    }

    /// Return whether the bot has an open transaction.
    pub fn sql_in_transaction(&self) -> bool {
        lock(&self.handle.holder.sql).as_ref().is_some_and(|connection| !connection.is_autocommit())
    }

    /// Close the connection; an open transaction is rolled back.
    pub fn sql_close(&self) {
        let _guard = process::enter_sqlite();
        *lock(&self.handle.holder.sql) = None;
    }

    fn with_sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let _guard = process::enter_sqlite();
        // A fork has to close the connection.
        process::register(self.shared().clone());
        let mut guard = lock(&self.handle.holder.sql);
        let connection = match &mut *guard {
            Some(connection) => connection,
            None => guard.insert(open(&self.shared().options.location)?),
        };
        work(connection)
    }
}

fn open(location: &Location) -> Result<Connection, rusqlite::Error> {
    let connection = match location {
        Location::File(path) => Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?,
        Location::Memory => Connection::open_in_memory()?,
    };
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn bind(statement: &mut Statement<'_>, values: &Values) -> Result<(), rusqlite::Error> {
    let wanted = statement.parameter_count();
    statement.clear_bindings();
    match values {
        Values::Ordered(values) => {
            if values.len() != wanted {
                return Err(rusqlite::Error::InvalidParameterCount(values.len(), wanted));
            }
            for (at, value) in values.iter().enumerate() {
                statement.raw_bind_parameter(at + 1, value)?;
            }
        }
        Values::Named(values) => {
            for at in 1..=wanted {
                let name = statement.parameter_name(at).unwrap_or_default().to_owned();
                let found = values.iter().find(|(known, _)| Some(known.as_str()) == name.get(1..));
                let Some((_, value)) = found else { return Err(rusqlite::Error::InvalidParameterName(name)) };
                statement.raw_bind_parameter(at, value)?;
            }
        }
    }
    Ok(())
}

fn run(statement: &mut Statement<'_>, answer: &mut Answer) -> Result<(), rusqlite::Error> {
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    if columns.is_empty() {
        *answer.changed.get_or_insert(0) += statement.raw_execute()?;
        return Ok(());
    }
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        answer.rows.push((0..columns.len()).map(|at| row.get_ref(at).map(value)).collect::<Result<_, _>>()?);
    }
    answer.columns = Some(columns);
    Ok(())
}

/// Convert a value; invalid UTF-8 in a text is replaced.
fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    }
}
