//! The worker process by itself.

fn main() -> std::process::ExitCode {
    trocar_worker::serve()
}
