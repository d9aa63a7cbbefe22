//! Generates the gRPC messages and services from `proto/*.proto`, with a compiler written in Rust: no `protoc` needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    #[cfg(feature = "grpc")]
    {
        let files =
            protox::compile(["proto/director.proto", "proto/image_repo.proto", "proto/secondary.proto"], ["proto"])?;
        tonic_prost_build::configure().compile_fds(files)?;
    }
    Ok(())
}
