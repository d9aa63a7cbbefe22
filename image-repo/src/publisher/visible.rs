//! What clients see: showing them what became true, and putting back what was lost of it.

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use uptane::{Length, Sha256, limits};

use super::{Publisher, Seen};
use crate::error::Error;
use crate::facts::{Head, Kept, SignedFile};
use crate::objects::METADATA;
use crate::role::RoleId;
use crate::store::Store;

impl<S: Store> Publisher<S> {
    /// Shows clients everything that is true and not yet visible. What a crash cut short is made up for here.
    pub async fn show(&self) -> Result<(), Error> {
        let mut files = self.store.unpublished().await?;
        if files.is_empty() {
            return Ok(());
        }
        files.sort_by_key(|file| (place(file.role), file.version));
        let head = self.store.head().await?;
        for file in &files {
            self.show_file(&head, file).await?;
        }
        self.store.published(&files.iter().map(|file| (file.role, file.version)).collect::<Vec<_>>()).await
    }

    /// Puts back what should be visible and is not: every file that is kept, and the newest of every role if it is not what
    /// was published.
    pub async fn mend(&self) -> Result<(), Error> {
        self.put_back_lost().await?;
        let head = self.store.head().await?;
        let mut newest: Vec<_> = head.files.iter().collect();
        newest.sort_by_key(|(role, _)| place(**role));
        for (role, current) in newest {
            let name = role.file(current.version).file_name();
            let found = self.objects.published_file(&name, Length::new(limits::MAX_TARGETS)?).await?;
            if found.is_some_and(|bytes| Sha256::of(&bytes) == current.sha256) {
                continue;
            }
            let Some(bytes) = self.store.file(*role, current.version).await? else { continue };
            tracing::warn!(file = name, "a published file was not what was published");
            let file = SignedFile { role: *role, version: current.version, expires: current.expires, bytes };
            self.show_file(&head, &file).await?;
        }
        Ok(())
    }

    /// Puts back every kept file whose object is gone, children first.
    async fn put_back_lost(&self) -> Result<(), Error> {
        let there: BTreeSet<_> = self.objects.below(METADATA)?.map_ok(|object| object.name).try_collect().await?;
        let mut kept = self.store.history().await?;
        // What clients see of Timestamp is but the newest.
        kept.retain(|kept| kept.role != RoleId::Timestamp);
        kept.sort_by_key(|kept| (place(kept.role), kept.version));
        for Kept { role, version, expires: _ } in kept {
            let name = role.file(version).file_name();
            if there.contains(&format!("{METADATA}/{name}")) {
                continue;
            }
            if let Some(bytes) = self.store.file(role, version).await? {
                tracing::warn!(file = name, "a published file was lost");
                self.objects.publish_file(&format!("metadata/{name}"), &bytes).await?;
            }
        }
        Ok(())
    }

    async fn show_file(&self, head: &Head, file: &SignedFile) -> Result<(), Error> {
        if file.role != RoleId::Timestamp {
            let path = format!("metadata/{}", file.role.file(file.version).file_name());
            return self.objects.publish_file(&path, &file.bytes).await;
        }
        let root = self.root(head, &[]).await?;
        let genuine = |bytes: &[u8]| Seen::of(bytes, &root).map(|seen| seen.timestamp);
        self.objects.publish_timestamp(file.version, &file.bytes, genuine).await
    }
}

/// No client sees a file whose children are missing; a new Root is there before the Timestamp that its keys sign.
fn place(role: RoleId) -> u8 {
    match role {
        RoleId::Targets | RoleId::Delegated(_) => 0,
        RoleId::Snapshot => 1,
        RoleId::Root => 2,
        RoleId::Timestamp => 3,
    }
}
