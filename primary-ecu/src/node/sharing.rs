//! Which members of a transaction are brought their image together.

use std::collections::BTreeSet;

use uptane::{EcuId, HardwareId, Length, Sha256};

use super::download;
use crate::machine::transaction::{Member, Transaction};

/// An image that several ECUs of a group take at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shared {
    /// Which group, in the order of [`Node::with_groups`](super::Node::with_groups).
    pub group: usize,
    /// The image's digest.
    pub image: Sha256,
    /// The image's length.
    pub length: Length,
}

impl Shared {
    /// The name of its file on the Primary's disk.
    pub fn file(&self) -> String {
        download::place(self.image)
    }
}

/// What this ECU takes together with others of its group, if there are any. A group is brought one image at a time: the one
/// that most of its members take; the others are brought theirs by itself.
///
/// `takes_patch` says of whom the whole image may not be wanted. An only bank takes its image after a command, alone.
pub(super) fn shared(
    groups: &[BTreeSet<EcuId>],
    transaction: &Transaction,
    ecu: EcuId,
    takes_patch: impl Fn(EcuId) -> bool,
) -> Option<Shared> {
    let group = groups.iter().position(|group| group.contains(&ecu))?;
    let members = groups.get(group)?;
    let takes =
        |member: &&Member| members.contains(&member.ecu) && member.fallback.is_none() && !takes_patch(member.ecu);
    let takers: Vec<&Member> = transaction.members().iter().filter(takes).collect();
    let count = |file: &File| takers.iter().filter(|member| File::of(member) == *file).count();
    let most = takers.iter().map(|member| File::of(member)).max_by_key(|file| (count(file), *file))?;
    let own = takers.iter().find(|member| member.ecu == ecu)?;
    let is_it = count(&most) >= LEAST && File::of(own) == most;
    is_it.then_some(Shared { group, image: own.sha256, length: own.length })
}

/// What must be equal of those who hear one image. The order only tells files apart that equally many take.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct File([u8; 32], HardwareId);

impl File {
    fn of(member: &Member) -> Self {
        Self(member.sha256.0, member.hardware)
    }
}

/// ECUs for which it is worth the effort.
const LEAST: usize = 2;

#[cfg(test)]
mod tests {
    use uptane::{ImageLine, ReleaseCounter, TargetNameBuf, TransactionId};

    use super::*;
    use crate::machine::transaction::MemberImage;

    fn ecu(name: &str) -> EcuId {
        EcuId::parse(name).unwrap()
    }

    fn image(number: u8) -> MemberImage {
        MemberImage {
            name: TargetNameBuf::parse("doors/fw.bin").unwrap(),
            length: Length::new(9).unwrap(),
            sha256: Sha256([number; 32]),
            line: ImageLine::parse("doors").unwrap(),
            counter: ReleaseCounter::new(1).unwrap(),
        }
    }

    fn member(name: &str, hardware: &str, number: u8) -> Member {
        Member::new(ecu(name), HardwareId::parse(hardware).unwrap(), image(number), 0)
    }

    /// Who of a group of four doors takes image 2 together, if these are the members.
    fn together(members: Vec<Member>, takes_patch: impl Fn(EcuId) -> bool) -> Vec<EcuId> {
        let groups = [["a", "b", "c", "d"].map(ecu).into()];
        let (transaction, _) = Transaction::open(TransactionId([4; 16]), Sha256([9; 32]), members);
        let takes = |member: &&Member| {
            let shared = shared(&groups, &transaction, member.ecu, &takes_patch);
            let expected = Shared { group: 0, image: Sha256([2; 32]), length: Length::new(9).unwrap() };
            assert!(shared.is_none_or(|shared| shared == expected));
            shared.is_some()
        };
        transaction.members().iter().filter(takes).map(|member| member.ecu).collect()
    }

    #[test]
    fn members_of_a_group_take_the_same_image_together_and_nobody_else_does() {
        let members = ["a", "b", "c", "e", "f"].map(|name| member(name, "door", 2));
        assert_eq!(together(members.into(), |_| false), ["a", "b", "c"].map(ecu));
    }

    #[test]
    fn one_alone_is_brought_its_image_by_itself() {
        assert_eq!(together(vec![member("a", "door", 2), member("e", "door", 2)], |_| false), []);
    }

    #[test]
    fn a_group_is_brought_the_image_that_most_of_it_take() {
        let members = [("a", 2), ("b", 1), ("c", 2)].map(|(name, image)| member(name, "door", image));
        assert_eq!(together(members.into(), |_| false), ["a", "c"].map(ecu));
        let members = [("a", 1), ("b", 2), ("c", 2), ("d", 1)].map(|(name, image)| member(name, "door", image));
        assert_eq!(together(members.into(), |_| false), ["b", "c"].map(ecu));
    }

    #[test]
    fn other_hardware_a_single_bank_and_a_patch_are_left_out() {
        let members = || vec![member("a", "door", 2), member("b", "door", 2), member("c", "door", 2)];
        let mut other = members();
        other.push(member("d", "seat", 2));
        assert_eq!(together(other, |_| false), ["a", "b", "c"].map(ecu));
        let mut single = members();
        single.push(member("d", "door", 2).with_fallback(image(1)));
        assert_eq!(together(single, |_| false), ["a", "b", "c"].map(ecu));
        assert_eq!(together(members(), |of| of == ecu("a")), ["b", "c"].map(ecu));
    }
}
