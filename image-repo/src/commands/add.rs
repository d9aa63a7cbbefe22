//! `targets add`: stages an image.

use host::cli::print;
use uptane::{HardwareId, ImageLine, ReleaseCounter, TargetName};

use crate::args::Add;
use crate::error::Error;
use crate::old::facts::{Change, Image};
use crate::old::objects::Upload;
use crate::old::plan;
use crate::repo::Repo;

/// Takes the file in, and stages it if its name and release counter allow.
pub(crate) async fn add(args: &Add) -> Result<(), Error> {
    let described = described(args)?;
    let mut repo = Repo::open(&args.repo).await?;
    let upload = repo.objects().upload(&args.file).await?;
    let image = Image { length: upload.length, sha256: upload.sha256, ..described };
    match stage(&mut repo, image.clone(), &upload).await {
        Ok(true) => print(format_args!("staged {}: {} bytes, sha256 {}", image.name, image.length, image.sha256)),
        Ok(false) => {
            repo.objects().drop_upload(&upload).await?;
            print(format_args!("{} is there already, the same in every respect; nothing was changed", image.name));
        }
        Err(error) => {
            // The refusal is what the operator must hear of; what stays behind is swept at the next publication.
            let _ = repo.objects().drop_upload(&upload).await;
            return Err(error);
        }
    }
    repo.close().await?;
    print(format_args!("next: image-repo sign --repo {} --passphrase-file FILE", args.repo.display()));
    Ok(())
}

async fn stage(repo: &mut Repo, image: Image, upload: &Upload) -> Result<bool, Error> {
    let facts = repo.facts().await?;
    let replaced = facts.images.get(&image.name).cloned();
    let changes: Vec<Change> = plan::add(&facts, image)?;
    if changes.is_empty() {
        return Ok(false);
    }
    // A signed Targets that may yet be published lists what is replaced here, so its bytes must not be lost.
    if let Some(signed) = replaced.filter(|image| image.listed.is_some() && !image.published) {
        repo.objects().publish_image(&signed, &plan::Release::Image(&signed).path()).await?;
    }
    // Bytes first: a record without bytes could never be published.
    repo.objects().stage(upload).await?;
    repo.apply(&changes).await?;
    Ok(true)
}

/// What the command line says of the image.
fn described(args: &Add) -> Result<Image, Error> {
    let name = TargetName::parse(&args.name).map_err(Error::given("--name", &args.name))?;
    let line = args.line.as_str();
    let counter = args.release_counter;
    let hardware = |id: &String| HardwareId::parse(id).map_err(Error::given("--hardware-id", id));
    Ok(Image {
        name: name.to_buf(),
        length: uptane::Length::ZERO,
        sha256: uptane::Sha256([0; 32]),
        hardware_ids: args.hardware_id.iter().map(hardware).collect::<Result<_, _>>()?,
        line: ImageLine::parse(line).map_err(Error::given("--line", line))?,
        release_counter: ReleaseCounter::new(counter)
            .map_err(Error::given("--release-counter", &counter.to_string()))?,
        listed: None,
        published: false,
    })
}
