import { Alert, AppShell, Group, Menu, Text, UnstyledButton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconChartBar, IconCloudOff, IconDots, IconFilterHeart, IconSearch, IconSettings, IconShieldLock, IconUpload, IconUsers } from "@tabler/icons-react";
import { useIsFetching } from "@tanstack/react-query";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, useNavigate } from "react-router";
import { useFormat } from "../parts/format";
import { Lines } from "../parts/states";
import { AccountMenu, VenueMenu } from "./menus";
import { useMay, useSession } from "./session";

const PLACES = [
  { to: "/", key: "today", Icon: IconChartBar, IconDots, role: "reader" },
  { to: "/host", key: "host", Icon: IconSearch, role: "staff" },
  { to: "/guests", key: "guests", Icon: IconUsers, role: "staff" },
  { to: "/segments", key: "segments", Icon: IconFilterHeart, role: "manager" },
  { to: "/privacy", key: "privacy", Icon: IconShieldLock, role: "manager" },
  { to: "/imports", key: "imports", Icon: IconUpload, role: "manager" },
  { to: "/settings", key: "settings", Icon: IconSettings, role: "manager" },
] as const;
/** Places below a phone's page, beside the menu of the others. */
const BELOW = 4;

export function Shell() {
  const { t } = useTranslation();
  const narrow = useMediaQuery("(max-width: 48em)");
  const may = { reader: true, staff: useMay("staff"), manager: useMay("manager") };
  const places = PLACES.filter(({ role }) => may[role]);
  const links = places.map(({ to, key, Icon }) => (
    <NavLink key={to} to={to} end={to === "/"}><Icon size={20} aria-hidden />{t(`nav.${key}`)}</NavLink>
  ));
  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 210, breakpoint: "sm", collapsed: { mobile: true } }} footer={{ height: 60, collapsed: !narrow }} padding="md">
      <a href="#main" className="skip">{t("shell.skip")}</a>
      <AppShell.Header px="md">
        <Group h="100%" justify="space-between" wrap="nowrap" gap="sm">
          <Group gap="xs" wrap="nowrap" visibleFrom="sm" w={180}>
            <img src="/favicon.svg" alt="" width={26} height={26} />
            <Text fw={700}>pg_crm</Text>
          </Group>
          <SearchButton />
          <Group gap="xs" wrap="nowrap" className="tools">
            <VenueMenu />
            <AccountMenu />
          </Group>
        </Group>
      </AppShell.Header>
      {!narrow && <AppShell.Navbar p="sm" className="nav" aria-label={t("shell.navigation")}>{links}</AppShell.Navbar>}
      {narrow && <AppShell.Footer><nav className="tabs-below" aria-label={t("shell.navigation")}>{links.slice(0, BELOW)}{places.length > BELOW && <More places={places.slice(BELOW)} />}</nav></AppShell.Footer>}
      <AppShell.Main id="main" tabIndex={-1}>
        <Offline />
        <Suspense fallback={<Lines count={6} />}><Outlet /></Suspense>
      </AppShell.Main>
      <Refreshes />
    </AppShell>
  );
}

/** What is shown stays, and is refreshed by itself once the service answers again. */
function Offline() {
  const { t } = useTranslation();
  const format = useFormat();
  const session = useSession();
  if (!session.isError) return null;
  return <Alert role="status" color="orange" p="xs" mb="md" icon={<IconCloudOff size={18} aria-hidden />}><Text size="sm" c="var(--mantine-color-text)">{t("state.stale", { since: format.since(new Date(session.dataUpdatedAt).toISOString()) })}</Text></Alert>;
}

/** What does not fit below a phone's page. */
function More({ places }: { places: readonly (typeof PLACES)[number][] }) {
  const { t } = useTranslation();
  return (
    <Menu position="top-end" width={200}>
      <Menu.Target><UnstyledButton><IconDots size={20} aria-hidden />{t("nav.more")}</UnstyledButton></Menu.Target>
      <Menu.Dropdown>
        {places.map(({ to, key, Icon }) => <Menu.Item key={to} component={NavLink} to={to} leftSection={<Icon size={18} />}>{t(`nav.${key}`)}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}

/** Leads to the search of host mode; "/" does so too, wherever nothing is being written. */
function SearchButton() {
  const { t } = useTranslation();
  const go = useNavigate();
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      const writing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
      if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      void go("/host");
    };
    addEventListener("keydown", open);
    return () => removeEventListener("keydown", open);
  }, [go]);
  return (
    <UnstyledButton onClick={() => void go("/host")} className="grows" visibleFrom="sm" px="sm" py={7} maw={420} bd="1px solid var(--mantine-color-default-border)" style={{ borderRadius: 8 }}>
      <Group gap="xs" wrap="nowrap" c="dimmed">
        <IconSearch size={16} aria-hidden />
        <Text size="sm" truncate>{t("shell.search")}</Text>
      </Group>
    </UnstyledButton>
  );
}

/** Says for a screen reader that what is shown was refreshed, once it took noticeable time. */
function Refreshes() {
  const { t } = useTranslation();
  const fetching = useIsFetching() > 0;
  const [said, say] = useState("");
  useEffect(() => {
    if (!fetching) return say((before) => (before ? t("state.refreshed") : ""));
    const later = setTimeout(() => say(t("state.loading")), 700);
    return () => clearTimeout(later);
  }, [fetching, t]);
  return <div aria-live="polite" style={{ position: "absolute", width: 1, height: 1, overflow: "hidden", clipPath: "inset(50%)" }}>{said}</div>;
}
