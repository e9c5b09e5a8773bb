import { Button, Grid, Group, Paper, Stack, Tabs, Text } from "@mantine/core";
import { IconArrowLeft, IconMail, IconPencil, IconPhone } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Card, Failure, Lines } from "../../parts/states";
import { Allergens, BadgeLines, Badges } from "./Badges";
import { Contacts } from "./Contacts";
import { type Dossier, useDossier } from "./dossier";
import { EditGuest } from "./EditGuest";
import { MergedFrom } from "./MergedFrom";
import { Notes } from "./Notes";
import { Preferences } from "./Preferences";
import { Privacy } from "./Privacy";
import { Rhythm } from "./Rhythm";
import { MemberOf } from "./MemberOf";
import { GuestTags } from "./GuestTags";
import { Timeline } from "./Timeline";
import { LifetimeCard, VenueCards } from "./Totals";

const TABS = ["timeline", "orders", "preferences", "notes", "segments", "privacy"] as const;

export default function Guest() {
  const { id = "" } = useParams();
  const dossier = useDossier(id);
  if (dossier.data) return <Known dossier={dossier.data} />;
  if (dossier.isError) return <Failure error={dossier.error} retry={() => void dossier.refetch()} />;
  return <Lines count={10} height={24} />;
}

function Known({ dossier }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const [address, setAddress] = useSearchParams();
  const [editing, setEditing] = useState(false);
  const { profile, badges } = dossier;
  const id = profile.customer_id;
  const asked = address.get("tab");
  const tab = TABS.find((name) => name === asked) ?? "timeline";
  const panels = {
    timeline: <Timeline id={id} />,
    orders: <Timeline id={id} only="order" />,
    preferences: <Preferences dossier={dossier} />,
    notes: <Notes dossier={dossier} />,
    segments: <MemberOf id={id} />,
    privacy: <Privacy dossier={dossier} />,
  };
  return (
    <Page
      title={profile.name ?? t("guest.unnamed")}
      head={<Badges badges={badges} large />}
      actions={
        <>
          <Button variant="subtle" leftSection={<IconArrowLeft size={16} />} onClick={() => void go(-1)}>{t("guest.back")}</Button>
          <Button variant="default" leftSection={<IconPencil size={16} />} onClick={() => setEditing(true)}>{t("guest.edit")}</Button>
        </>
      }
    >
      <BadgeLines dossier={dossier} />
      <Allergens needs={dossier.health_needs} />
      <Group gap="lg">
        {profile.phone && <Contact href={`tel:${profile.phone_e164 ?? profile.phone}`} icon={<IconPhone size={16} aria-hidden />}>{profile.phone}</Contact>}
        {profile.email && <Contact href={`mailto:${profile.email}`} icon={<IconMail size={16} aria-hidden />}>{profile.email}</Contact>}
        <GuestTags id={id} tags={dossier.tags} />
      </Group>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 4 }}>
          <Stack gap="md">
            <LifetimeCard dossier={dossier} />
            <VenueCards dossier={dossier} />
            <Profile dossier={dossier} />
            <Contacts dossier={dossier} />
            <MergedFrom dossier={dossier} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8 }}>
          <Stack gap="md">
            <Rhythm id={id} />
            <Paper p={0}>
              <Tabs value={tab} onChange={(next) => setAddress(next && next !== "timeline" ? { tab: next } : {}, { replace: true })} keepMounted={false}>
                <Tabs.List style={{ flexWrap: "nowrap", overflowX: "auto" }}>
                  {TABS.map((name) => <Tabs.Tab key={name} value={name}>{t(`guest.${name}`)}</Tabs.Tab>)}
                </Tabs.List>
                {TABS.map((name) => <Tabs.Panel key={name} value={name} p="md">{panels[name]}</Tabs.Panel>)}
              </Tabs>
            </Paper>
          </Stack>
        </Grid.Col>
      </Grid>
      <EditGuest dossier={dossier} opened={editing} close={() => setEditing(false)} />
    </Page>
  );
}

function Contact({ href, icon, children }: { href: string; icon: React.ReactNode; children: React.ReactNode }) {
  return <Group gap={6} wrap="nowrap">{icon}<Text component="a" href={href} size="sm" className="breaks">{children}</Text></Group>;
}

function Profile({ dossier: { profile } }: { dossier: Dossier }) {
  const { t } = useTranslation();
  const format = useFormat();
  const year = profile.birthday && !profile.birthday.startsWith("--");
  const facts: [string, React.ReactNode][] = [
    [t("guest.birthday"), profile.birthday && (year ? format.day(profile.birthday) : format.shortDay(`2024-${profile.birthday.slice(2)}`))],
    [t("guest.language"), profile.language],
    [t("guest.document"), profile.document],
    [t("guest.knownSince"), format.dayOf(profile.created_at)],
    [t("guest.reference"), profile.ref],
  ];
  return (
    <Card title={t("guest.profile")}>
      <dl className="facts">
        {facts.filter(([, value]) => value).map(([name, value], n) => <div key={n} style={{ display: "contents" }}><dt>{name}</dt><dd>{value}</dd></div>)}
      </dl>
    </Card>
  );
}
