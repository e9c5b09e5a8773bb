//! Commands of an operator: the jobs once, and keys.

use tokio_postgres::{Client, NoTls};

use crate::{config::Config, database::with_source};

/// What `crm_api key` is asked to do.
pub enum KeyCommand {
    Create { name: String, role: String, org: Option<String>, venues: Option<Vec<String>>, days: Option<i32> },
    List,
    Revoke { id: String },
}

impl KeyCommand {
    /// Reads the arguments after `key`; None for others than the usage tells.
    pub fn parse(arguments: &[String]) -> Option<Self> {
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["list"] => Some(Self::List),
            ["revoke", id] => Some(Self::Revoke { id: id.to_owned() }),
            ["create", name, role, ref options @ ..] => {
                let (mut org, mut venues, mut days) = (None, None, None);
                for pair in options.chunks(2) {
                    match *pair {
                        ["--org", value] => org = Some(value.to_owned()),
                        ["--venues", value] => venues = Some(value.split(',').map(str::to_owned).collect()),
                        ["--expires", value] => {
                            days = Some(value.parse().ok().filter(|days| (1..=36_500).contains(days))?)
                        }
                        _ => return None,
                    }
                }
                Some(Self::Create { name: name.to_owned(), role: role.to_owned(), org, venues, days })
            }
            _ => None,
        }
    }
}

/// Calls a job once and returns when it has ended.
pub async fn job(config: Config, statement: &'static str) -> Result<(), String> {
    let client = connect(&config, Some("crm_owner")).await?;
    client.batch_execute(statement).await.map_err(|error| describe(&error))
}

/// Makes, lists or revokes keys as the database administrator that `CRM_JOBS_DATABASE_URL` names.
pub async fn key(config: Config, wanted: KeyCommand) -> Result<(), String> {
    let client = connect(&config, None).await?;
    match wanted {
        KeyCommand::Create { name, role, org, venues, days } => {
            let sql = "SELECT crm.create_api_key(crm.create_principal($1::text, $2::text, $3::text, $4::text[]), \
                                                 clock_timestamp() + make_interval(days => $5::int))";
            let row = client.query_one(sql, &[&name, &org, &role, &venues, &days]).await;
            println!(
                "{}",
                row.and_then(|row| row.try_get::<_, String>(0)).map_err(|error| describe(&error))?
            );
        }
        KeyCommand::List => {
            let sql = "SELECT concat_ws(E'\\t', k.key_id, o.ref, p.name, p.role, COALESCE(k.name, '-'), 'expires ' || COALESCE(k.expires_at::text, 'never'), \
                              'last used ' || COALESCE(k.last_used_on::text, 'never')) \
                         FROM crm.api_key AS k JOIN crm.principal AS p USING (org_id, principal_id) JOIN crm.organisation AS o USING (org_id) \
                        ORDER BY k.created_at, k.key_id";
            for row in client.query(sql, &[]).await.map_err(|error| describe(&error))? {
                println!("{}", row.try_get::<_, String>(0).map_err(|error| describe(&error))?);
            }
        }
        KeyCommand::Revoke { id } => {
            let sql = "DELETE FROM crm.api_key WHERE key_id::text = $1::text";
            match client.execute(sql, &[&id]).await.map_err(|error| describe(&error))? {
                0 => return Err("there is no key of this id".to_owned()),
                _ => println!("revoked"),
            }
        }
    }
    Ok(())
}

async fn connect(config: &Config, role: Option<&str>) -> Result<Client, String> {
    let mut database = config.jobs_database.clone().ok_or("CRM_JOBS_DATABASE_URL must be set")?;
    if let Some(role) = role {
        database.options(format!("{} -c role={role}", database.get_options().unwrap_or_default()).trim());
    }
    let (client, connection) = database.connect(NoTls).await.map_err(|error| describe(&error))?;
    // How a connection ended, the next statement over it says.
    tokio::spawn(connection);
    Ok(client)
}

fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{} ({})", error.message(), error.code().code()),
        None => with_source(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<KeyCommand> {
        KeyCommand::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_are_read_and_others_refused() {
        assert!(matches!(parsed("create desk staff --venues a,b --expires 30"),
            Some(KeyCommand::Create { venues: Some(venues), days: Some(30), .. }) if venues == ["a", "b"]));
        assert!(matches!(parsed("list"), Some(KeyCommand::List)));
        for text in
            ["create desk", "create desk staff --venues", "create desk staff --expires 0", "revoke", "drop"]
        {
            assert!(parsed(text).is_none(), "{text}");
        }
    }
}
