//! Builds what is measured: the functions as they are deployed, and the Node handler.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::Failure;

/// The checkout.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The profile of what is deployed, and of what it is compared with.
const PROFILE: &str = "deploy";

/// Where it is set, what is there already is measured: a build of another commit, or one with symbols for a profiler.
const AS_BUILT: &str = "INNKEEPER_AS_BUILT";

/// A binary that [`build`] has built.
pub(crate) fn deployed(binary: &str) -> Result<PathBuf, Failure> {
    Ok(built()?.with_file_name(PROFILE).join(binary))
}

/// Where this program was built to, with the others of its profile.
pub(crate) fn built() -> Result<PathBuf, Failure> {
    Ok(std::env::current_exe()?.parent().ok_or("a program without a folder")?.to_owned())
}

/// A scratch folder below the target folder.
pub(crate) fn scratch() -> Result<PathBuf, Failure> {
    let folder = built()?.join("bench-scratch");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn as_built() -> bool {
    std::env::var_os(AS_BUILT).is_some()
}

/// Builds binaries of the packages as they are deployed.
pub(crate) fn build(packages: &[&str], binaries: &[&str]) -> Result<(), Failure> {
    if as_built() {
        return Ok(());
    }
    let mut cargo = cargo();
    cargo.args(["build", "--profile", PROFILE, "--quiet"]);
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    cargo.args(binaries.iter().flat_map(|binary| ["--bin", binary]));
    match cargo.status()?.success() {
        true => Ok(()),
        false => Err("the functions do not build".into()),
    }
}

/// Builds every binary as this program was built, beside it.
pub(crate) fn build_all() -> Result<(), Failure> {
    if as_built() {
        return Ok(());
    }
    let mut cargo = cargo();
    // Of the whole workspace, so that no dependency is built twice, with other features.
    cargo.args(["build", "--quiet", "--workspace", "--bins"]);
    if built()?.ends_with("release") {
        cargo.arg("--release");
    }
    if cargo.status()?.success() { Ok(()) } else { Err("the functions do not build".into()) }
}

/// Cargo in the checkout, building where this program was built.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo.current_dir(ROOT);
    if let Some(target) = built().ok().as_deref().and_then(Path::parent) {
        cargo.env("CARGO_TARGET_DIR", target);
    }
    cargo
}

/// The size of the deployment package in MB, by `zip -9`; none where there is no `zip`.
pub(crate) fn zipped(program: &Path) -> Option<f64> {
    let zip = Command::new("zip").args(["-9", "-q", "-j", "-"]).arg(program).stderr(Stdio::null()).output().ok()?;
    zip.status.success().then_some(zip.stdout.len() as f64 / 1e6)
}

/// Installs and bundles the handler of `benches/node`. The reason where this machine cannot.
pub(crate) fn node() -> Result<PathBuf, Failure> {
    installed("node", &["package.json", "status.mjs"], &[&["install"], &["run", "bundle"]])
}

/// Installs `benches/better-auth`. The reason where this machine cannot.
pub(crate) fn better_auth() -> Result<PathBuf, Failure> {
    installed("better-auth", &["package.json", "server.mjs"], &[&["install"]])
}

/// A folder of the benches, copied out of the checkout and worked on there with npm.
fn installed(name: &str, files: &[&str], steps: &[&[&str]]) -> Result<PathBuf, Failure> {
    let folder = scratch()?.join(name);
    std::fs::create_dir_all(&folder)?;
    for file in files {
        std::fs::copy(Path::new(ROOT).join("benches").join(name).join(file), folder.join(file))?;
    }
    for step in steps {
        let mut npm = Command::new("npm");
        npm.args(*step).args(["--silent", "--no-audit", "--no-fund"]).current_dir(&folder);
        let output = npm.output().map_err(|error| format!("npm: {error}"))?;
        if !output.status.success() {
            return Err(format!("npm {}: {}", step.join(" "), String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    Ok(folder)
}
