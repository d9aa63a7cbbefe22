//! What a store does with its statements, written once for both databases: sqlx gives each its own types.

/// Implements [`Store`](super::Store) for a type that can `read` rows by a query, `begin` a transaction and do what
/// takes several statements `in_time`, on what [`statements`](super::statements) says to its database.
macro_rules! sql_store {
    ($store:ident, $database:ident, $statements:ident) => {
        type Connection = <sqlx::$database as sqlx::Database>::Connection;

        impl Store for $store {
            async fn head(&self) -> Result<Head, Error> {
                Ok(rows::head(&self.read(sqlx::query($statements::HEAD)).await?)?)
            }

            async fn file(&self, role: RoleId, version: Version) -> Result<Option<Vec<u8>>, Error> {
                let query = sqlx::query($statements::FILE).bind(role.to_string());
                let found = self.read(query.bind(rows::stored("a version", version.get())?)).await?;
                Ok(found.first().map(|row| row.optional_bytes("bytes")).transpose()?.flatten())
            }

            async fn listed(&self, role: RoleId) -> Result<Vec<Listing>, Error> {
                let found = self.read(sqlx::query($statements::LISTED).bind(role.to_string())).await?;
                Ok(rows::all(&found, rows::listing)?)
            }

            async fn named(&self, names: &[TargetNameBuf]) -> Result<Vec<(RoleId, Listing)>, Error> {
                let mut found = BTreeMap::new();
                for names in batch::names(names) {
                    let some = self.read(sqlx::query($statements::NAMED).bind(names)).await?;
                    for (role, listing) in rows::all::<_, _, Vec<_>>(&some, rows::named)? {
                        found.insert((listing.name, role), listing);
                    }
                }
                Ok(found.into_iter().map(|((_, role), listing)| (role, listing)).collect())
            }

            async fn highest(&self, lines: &[ImageLine]) -> Result<BTreeMap<ImageLine, ReleaseCounter>, Error> {
                let mut found = BTreeMap::new();
                for lines in batch::lines(lines) {
                    let some = self.read(sqlx::query($statements::HIGHEST).bind(lines)).await?;
                    found.extend(rows::all::<_, _, Vec<_>>(&some, rows::highest)?);
                }
                Ok(found)
            }

            async fn lines(&self) -> Result<Vec<(ImageLine, ReleaseCounter)>, Error> {
                let found = self.read(sqlx::query($statements::LINES)).await?;
                Ok(rows::sorted(&found, rows::highest, |(line, _)| *line)?)
            }

            async fn delegators(&self, role: RoleName) -> Result<Vec<RoleId>, Error> {
                let found = self.read(sqlx::query($statements::DELEGATORS).bind(role.to_string())).await?;
                Ok(rows::sorted(&found, |row| row.parsed::<RoleId>("delegator"), |role| *role)?)
            }

            async fn unpublished(&self) -> Result<Vec<SignedFile>, Error> {
                let found = self.read(sqlx::query($statements::UNPUBLISHED)).await?;
                Ok(rows::sorted(&found, rows::signed, |file| (file.role, file.version))?)
            }

            async fn published(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
                Ok(self.in_time(self.mark($statements::PUBLISHED, files)).await?)
            }

            async fn history(&self) -> Result<Vec<Kept>, Error> {
                let found = self.read(sqlx::query($statements::HISTORY)).await?;
                Ok(rows::sorted(&found, rows::kept, |file| (file.role, file.version))?)
            }

            async fn prune(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
                Ok(self.in_time(self.mark($statements::PRUNE, files)).await?)
            }

            async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Error> {
                // There is nothing after a number that cannot be kept, and never more than can be counted.
                let (after, limit) =
                    (i64::try_from(after).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
                let found = self.read(sqlx::query($statements::ENTRIES).bind(after).bind(limit)).await?;
                Ok(rows::all(&found, entries::entry)?)
            }

            async fn apply(&self, expected: Generation, changes: &[Change]) -> Result<(), Error> {
                Ok(self.in_time(self.change(expected, changes)).await?)
            }
        }

        impl $store {
            async fn change(&self, expected: Generation, changes: &[Change]) -> Result<(), Fault> {
                // No repository is of a generation that cannot be kept.
                let expected = rows::stored("a generation", expected.get()).map_err(|_| Fault::Conflict)?;
                let mut transaction = self.begin().await?;
                let advance = sqlx::query($statements::ADVANCE).bind(expected).execute(&mut *transaction);
                if advance.await?.rows_affected() == 0 {
                    return Err(Fault::Conflict);
                }
                for batch in batch::batches(changes) {
                    write(&mut transaction, batch).await?;
                }
                Ok(transaction.commit().await?)
            }

            async fn mark(&self, statement: &'static str, files: &[(RoleId, Version)]) -> Result<(), Fault> {
                let mut transaction = self.begin().await?;
                sqlx::query($statements::QUEUE).execute(&mut *transaction).await?;
                for files in batch::files(files) {
                    sqlx::query(statement).bind(files).execute(&mut *transaction).await?;
                }
                Ok(transaction.commit().await?)
            }
        }

        async fn write(to: &mut Connection, batch: Batch<'_>) -> Result<(), Fault> {
            match batch {
                Batch::File(file) => add_file(to, file).await?,
                Batch::List { listings, lines } => {
                    sqlx::query($statements::LIST).bind(listings).execute(&mut *to).await?;
                    sqlx::query($statements::RAISE).bind(lines).execute(to).await?;
                }
                Batch::Unlist(names) => {
                    sqlx::query($statements::UNLIST).bind(names).execute(to).await?;
                }
                Batch::Delegate { delegator, roles } => {
                    sqlx::query($statements::UNDELEGATE).bind(delegator.to_string()).execute(&mut *to).await?;
                    sqlx::query($statements::DELEGATE).bind(roles).execute(to).await?;
                }
                Batch::Lifetimes(lifetimes) => {
                    let [snapshot, timestamp] = rows::seconds(lifetimes)?;
                    sqlx::query($statements::LIFETIMES).bind(snapshot).bind(timestamp).execute(to).await?;
                }
                Batch::Record(entry) => record(to, entry).await?,
            }
            Ok(())
        }

        async fn record(to: &mut Connection, entry: &Entry) -> Result<(), Fault> {
            entries::check(entry)?;
            // None is kept before it of which the number would be one that cannot be.
            let seq = i64::try_from(entry.seq).map_err(|_| Fault::Conflict)?;
            let insert = sqlx::query($statements::RECORD).bind(seq).bind(rows::stored("a time", entry.at.unix())?);
            let insert = insert.bind(&entry.actor).bind(&entry.action).bind(&entry.object);
            let insert = insert.bind(entry.previous.to_string()).bind(entry.hash.to_string());
            if insert.execute(to).await?.rows_affected() == 0 { Err(Fault::Conflict) } else { Ok(()) }
        }

        async fn add_file(to: &mut Connection, file: &SignedFile) -> Result<(), Fault> {
            let current = file.current().map_err(|_| Fault::Unfit { what: "a metadata file so long" })?;
            let (role, version) = (file.role.to_string(), rows::stored("a version", file.version.get())?);
            sqlx::query($statements::SUPERSEDE).bind(&role).bind(version).execute(&mut *to).await?;
            let insert = sqlx::query($statements::ADD_FILE).bind(role).bind(version);
            let insert = insert.bind(rows::stored("a time", current.expires.unix())?);
            let insert = insert.bind(rows::stored("a length", current.length.get())?);
            let inserted = insert.bind(current.sha256.to_string()).bind(file.bytes.as_slice()).execute(to).await;
            inserted.map_err(|error| match error.as_database_error() {
                Some(told) if told.is_unique_violation() => {
                    Fault::VersionUsed { role: Box::new(file.role), version: file.version }
                }
                _ => error.into(),
            })?;
            Ok(())
        }
    };
}

pub(super) use sql_store;
