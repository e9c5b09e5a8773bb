import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Failure } from "../parts/states";
import { LanguageMenu } from "./menus";
import { useSignIn } from "./session";

/** The key becomes a session cookie that no script can read; the key itself is not kept. */
export function SignIn() {
  const { t } = useTranslation();
  const [key, setKey] = useState("");
  const signIn = useSignIn();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim()) signIn.mutate(key.trim());
  };
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper p="xl" w="100%" maw={420} shadow="sm">
        <form onSubmit={submit}>
          <Stack>
            <img src="/favicon.svg" alt="" width={40} height={40} />
            <div>
              <Title order={1}>{t("signIn.title")}</Title>
              <Text size="sm" c="dimmed">{t("signIn.hint")}</Text>
            </div>
            <PasswordInput label={t("signIn.key")} name="key" autoComplete="current-password" autoFocus value={key} onChange={(event) => setKey(event.currentTarget.value)} />
            {signIn.isError && <Failure error={signIn.error} />}
            <Button type="submit" loading={signIn.isPending} disabled={!key.trim()}>{t("signIn.enter")}</Button>
            <LanguageMenu />
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
