//! An image that may be heard with others.

use super::*;

/// An errand whose image others take as well.
fn shared(folder: &tempfile::TempDir) -> Errand<Folder> {
    let mut errand = stage_by(folder, None);
    let Purpose::Stage(_, stage, _) = &mut errand.purpose else { panic!("it brings nothing") };
    let length = Length::new(u64::try_from(IMAGE.len()).unwrap()).unwrap();
    stage.shared = Some(Shared { group: 0, image: Sha256([2; 32]), length });
    errand
}

/// What an errand does that is not asked of the Secondary by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Gathers,
    Joins,
    Hears,
}

/// Goes on to what comes next, or to the end.
fn go_on(fake: &mut Fake, errand: &mut Errand<Folder>) -> Option<Wait> {
    loop {
        match errand.turn() {
            Turn::Ask(request) => {
                let reply = fake.reply(request);
                errand.answer(Ok(reply));
            }
            Turn::Gather(_) => return Some(Wait::Gathers),
            Turn::Join => return Some(Wait::Joins),
            Turn::Hear => return Some(Wait::Hears),
            Turn::Over => return None,
        }
    }
}

fn staged(errand: Errand<Folder>) -> bool {
    matches!(errand.end(), Done::Stands(_, _, Ok(Standing::Staged)))
}

#[test]
fn metadata_come_first_and_the_image_waits_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fake, mut errand) = (Fake::new(Phase::Idle), shared(&folder));
    assert_eq!(go_on(&mut fake, &mut errand), Some(Wait::Gathers));
    assert_eq!((fake.taken.len(), fake.offered), (2, None));
    // Whoever asks again is told the same.
    assert_eq!(go_on(&mut fake, &mut errand), Some(Wait::Gathers));
}

#[test]
fn alone_it_is_brought_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fake, mut errand) = (Fake::new(Phase::Idle), shared(&folder));
    go_on(&mut fake, &mut errand);
    errand.go_on(Call::Alone);
    assert_eq!(go_on(&mut fake, &mut errand), None);
    assert!(staged(errand) && fake.taken.last() == Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn together_it_is_offered_joined_heard_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fake, mut errand) = (Fake::new(Phase::Idle), shared(&folder));
    go_on(&mut fake, &mut errand);
    errand.go_on(Call::Together);
    assert_eq!(go_on(&mut fake, &mut errand), Some(Wait::Joins));
    assert!(errand.is_joining() && fake.offered == Some((File::Image, IMAGE.len().try_into().unwrap())));
    errand.answer(Ok(Answer::Done));
    assert_eq!(go_on(&mut fake, &mut errand), Some(Wait::Hears));
    fake.held = IMAGE.to_vec();
    errand.go_on(Call::Complete);
    assert_eq!(go_on(&mut fake, &mut errand), None);
    assert!(staged(errand) && fake.taken.last() == Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn what_was_not_heard_is_brought_by_itself_from_where_the_secondary_stands() {
    for answer in [Ok(Answer::Done), Ok(Answer::Refused(Refusal::Phase)), Err(Silent::new("no answer"))] {
        let folder = tempfile::tempdir().unwrap();
        let (mut fake, mut errand) = (Fake::new(Phase::Idle), shared(&folder));
        go_on(&mut fake, &mut errand);
        errand.go_on(Call::Together);
        go_on(&mut fake, &mut errand);
        errand.answer(answer);
        assert_eq!(go_on(&mut fake, &mut errand), Some(Wait::Hears));
        fake.held = IMAGE[..5].to_vec();
        errand.go_on(Call::Dropped);
        assert_eq!(go_on(&mut fake, &mut errand), None);
        assert!(staged(errand) && fake.taken.last() == Some(&(File::Image, IMAGE.to_vec())));
    }
}

#[test]
fn a_call_to_one_that_waits_for_nobody_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut fake, mut errand) = (Fake::new(Phase::Idle), stage_by(&folder, None));
    [Call::Together, Call::Dropped, Call::Complete].into_iter().for_each(|call| errand.go_on(call));
    assert_eq!(go_on(&mut fake, &mut errand), None);
    assert!(staged(errand));
}
