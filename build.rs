//! Link and run-time search path of libtorch for the engine's own targets (tests, examples, benches).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let libtorch = std::env::var("LIBTORCH").unwrap_or_default();
    // While the file is missing, cargo asks again at every build: set-up needs no clean build after it.
    println!("cargo:rerun-if-changed={libtorch}/build-version");
    match std::fs::canonicalize(format!("{libtorch}/lib")) {
        Ok(lib) => {
            println!("cargo:rustc-link-search=native={}", lib.display());
            println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
        }
        Err(cause) => {
            println!("cargo:warning=libtorch is not set up ({libtorch}/lib: {cause}); run `cargo xtask setup`")
        }
    }
}
