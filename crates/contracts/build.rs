//! Compiles `proto/` in pure Rust: no protoc is needed on any machine.
#[path = "build/limits.rs"]
mod limits;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("limits.rs"), limits::tables(&compiler.descriptor_pool())?)?;

    tonic_prost_build::configure()
        // Ordered maps: equal messages have equal bytes.
        .btree_map(".")
        .bytes(".")
        .codec_path("crate::codec::Codec")
        .compile_fds_with_config(compiler.file_descriptor_set(), config())?;

    // Reflection serves this set to anyone: without source info it is a tenth of the size. Options of ours stay in it.
    compiler.include_source_info(false);
    fs::write(out.join("orewatch.binpb"), compiler.encode_file_descriptor_set())?;
    Ok(())
}

fn config() -> tonic_prost_build::Config {
    let mut config = tonic_prost_build::Config::new();
    // By its name a message finds its limits.
    config.enable_type_names();
    config
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
