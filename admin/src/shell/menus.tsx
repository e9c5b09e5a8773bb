import { ActionIcon, Menu, NativeSelect, useMantineColorScheme } from "@mantine/core";
import { IconCheck, IconLanguage, IconLogout, IconMoon, IconSun, IconSunMoon, IconUserCircle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { chooseLanguage, type Language, LANGUAGES } from "../i18n";
import { useSession, useSignOut } from "./session";
import { useVenue } from "./venue";

const SCHEMES = [["light", IconSun], ["dark", IconMoon], ["auto", IconSunMoon]] as const;

export function VenueMenu() {
  const { t } = useTranslation();
  const { venue, venues, choose } = useVenue();
  if (venues.length === 0) return null;
  return (
    <NativeSelect
      aria-label={t("shell.venue")}
      className="grows"
      value={venue?.venue_id}
      onChange={(event) => choose(event.currentTarget.value)}
      data={venues.map((one) => ({ value: one.venue_id, label: one.name }))}
    />
  );
}

export function LanguageMenu() {
  const { t, i18n } = useTranslation();
  return (
    <NativeSelect
      aria-label={t("shell.language")}
      leftSection={<IconLanguage size={16} aria-hidden />}
      value={i18n.language}
      onChange={(event) => void chooseLanguage(event.currentTarget.value as Language)}
      data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
    />
  );
}

export function AccountMenu() {
  const { t, i18n } = useTranslation();
  const { data: session } = useSession();
  const signOut = useSignOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu width={230} position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("shell.account")}><IconUserCircle /></ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session?.name} · {session?.role}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t("shell.scheme")}</Menu.Label>
        {SCHEMES.map(([scheme, Icon]) => (
          <Menu.Item key={scheme} leftSection={<Icon size={16} />} rightSection={colorScheme === scheme && <IconCheck size={16} />} onClick={() => setColorScheme(scheme)}>
            {t(`shell.${scheme}`)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t("shell.language")}</Menu.Label>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <Menu.Item key={code} lang={code} rightSection={i18n.language === code && <IconCheck size={16} />} onClick={() => void chooseLanguage(code as Language)}>
            {name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item color="red" leftSection={<IconLogout size={16} />} onClick={() => signOut.mutate()}>{t("shell.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
