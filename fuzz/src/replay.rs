//! Without libFuzzer: gives a decoder the files of folders, or writes its seeds into one.
//!
//! `replay DECODER FOLDER…`, `replay --seeds FOLDER`, `replay --list`

#[path = "../../tests/src/decoders/mod.rs"]
mod decoders;

use std::error::Error;
use std::fs;
use std::path::Path;

use decoders::{DECODERS, Decoder, measure::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [list] if list == "--list" => {
            DECODERS.iter().for_each(|decoder| println!("{} {}", decoder.name, decoder.sources.join(" ")))
        }
        [seeds, folder] if seeds == "--seeds" => {
            for decoder in DECODERS {
                write_seeds(decoder, &Path::new(folder).join(decoder.name))?;
            }
        }
        [name, folders @ ..] => {
            let decoder = decoders::find(name).ok_or("there is no decoder of this name")?;
            for folder in folders {
                replay(decoder, Path::new(folder))?;
            }
        }
        [] => return Err("replay DECODER FOLDER…".into()),
    }
    Ok(())
}

fn write_seeds(decoder: &Decoder, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for (index, seed) in (decoder.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("seed-{index}")), seed)?;
    }
    Ok(())
}

fn replay(decoder: &Decoder, folder: &Path) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let run = decoders::give(decoder, &fs::read(entry?.path())?);
        std::hint::black_box((run.accepted, run.resigned, run.held));
    }
    Ok(())
}
