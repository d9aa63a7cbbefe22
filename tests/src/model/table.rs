//! Large values under small numbers: a state of the model is copied millions of times, what it names is kept once.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// The number of a value in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number(u32);

/// Values, each once. Two are the same if all that `Debug` shows of them is: it shows every field.
#[derive(Debug)]
pub(super) struct Table<T>(RwLock<Rows<T>>);

#[derive(Debug)]
struct Rows<T> {
    values: Vec<Arc<T>>,
    numbers: HashMap<String, Number>,
}

impl<T: Debug> Table<T> {
    pub(super) fn new() -> Self {
        Self(RwLock::new(Rows { values: Vec::new(), numbers: HashMap::new() }))
    }

    /// The number of `value`, which is kept if it is new.
    pub(super) fn number(&self, value: T) -> Number {
        let shown = format!("{value:?}");
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = rows.numbers.get(&shown) {
            return *number;
        }
        let number = Number(u32::try_from(rows.values.len()).unwrap_or(u32::MAX));
        rows.values.push(Arc::new(value));
        rows.numbers.insert(shown, number);
        number
    }

    /// The value of a number that [`Table::number`] gave.
    pub(super) fn get(&self, number: Number) -> Arc<T> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(number.0).unwrap_or(usize::MAX);
        let value = rows.values.get(at).map(Arc::clone);
        value.unwrap_or_else(|| unreachable!("numbers come from this table"))
    }

    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values.len()
    }
}

/// What a pure function gave, kept: it is called once for each argument.
#[derive(Debug)]
pub(super) struct Memo<K, V>(RwLock<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    pub(super) fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    pub(super) fn get(&self, key: K, function: impl FnOnce() -> V) -> V {
        if let Some(value) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return value.clone();
        }
        let value = function();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, value.clone());
        value
    }
}
