//! Compiles `proto/` in pure Rust: no protoc is needed on any machine.
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "build/events.rs"]
mod events;
#[path = "build/limits.rs"]
mod limits;
#[path = "build/roles.rs"]
mod roles;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let roles = roles::method_roles(&compiler.descriptor_pool())?;
    fs::write(out.join("roles.rs"), role_table(&roles)?)?;
    fs::write(out.join("limits.rs"), limits::tables(&compiler.descriptor_pool())?)?;
    for (package, events) in events::enums(&compiler.descriptor_pool())? {
        fs::write(out.join(format!("{package}.events.rs")), events)?;
    }

    // Clients and servers need tonic, which pure code does not depend on.
    let has_grpc = env::var_os("CARGO_FEATURE_GRPC").is_some();
    tonic_prost_build::configure()
        .build_client(has_grpc)
        .build_server(has_grpc)
        // Ordered maps: equal messages have equal bytes.
        .btree_map(".")
        .bytes(".")
        .codec_path("crate::codec::Codec")
        .compile_fds_with_config(compiler.file_descriptor_set(), config())?;

    // Reflection serves this set to anyone. Without source info it has a tenth of the size; our options stay
    // in it.
    compiler.include_source_info(false);
    fs::write(out.join("orewatch.binpb"), compiler.encode_file_descriptor_set())?;
    Ok(())
}

fn config() -> tonic_prost_build::Config {
    let mut config = tonic_prost_build::Config::new();
    // The codec finds the limits of a message by its name.
    config.enable_type_names();
    config
}

/// The roles as the source of a Rust array.
fn role_table(roles: &[(String, i32)]) -> Result<String, std::fmt::Error> {
    let mut text = String::from("[\n");
    for (path, role) in roles {
        writeln!(text, "    ({path:?}, {role}),")?;
    }
    text.push_str("]\n");
    Ok(text)
}

/// Adds the `.proto` files in and below a folder.
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
