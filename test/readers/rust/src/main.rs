//! Reads credentials files with the AWS SDK for Rust: JSON on stdin, JSON on stdout.

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};
use serde_json::{json, Map, Value};

/// The keys of `keys` in every profile of the file, or the SDK's error.
async fn read(text: &str, keys: &[&str]) -> Value {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Credentials, text)
        .build();
    let loaded = source::load(&Env::from_slice(&[]), &Fs::from_slice(&[]), &files).await;
    let sections = match loaded.map(EnvConfigSections::parse) {
        Ok(Ok(sections)) => sections,
        Ok(Err(error)) => return json!({ "error": error.to_string() }),
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let mut profiles = Map::new();
    for name in sections.profiles() {
        let profile = sections.get_profile(name).expect("it is listed");
        let values = keys.iter().filter_map(|key| Some((key.to_string(), profile.get(key)?.into())));
        profiles.insert(name.to_string(), Value::Object(values.collect()));
    }
    Value::Object(profiles)
}

fn main() {
    let input: Value = serde_json::from_reader(std::io::stdin()).expect("JSON on stdin");
    let strings = |name: &str| -> Vec<&str> {
        let list = input[name].as_array().expect("a list");
        list.iter().map(|item| item.as_str().expect("a string")).collect()
    };
    let (texts, keys) = (strings("texts"), strings("keys"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let results: Vec<Value> = runtime.block_on(async {
        let mut results = Vec::new();
        for text in texts {
            results.push(read(text, &keys).await);
        }
        results
    });
    serde_json::to_writer(std::io::stdout(), &results).expect("JSON on stdout");
}
