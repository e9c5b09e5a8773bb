import { Grid, Stack, Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Page } from "../../parts/Page";
import { useMay } from "../../shell/session";
import { Accesses } from "./Accesses";
import { Erasures } from "./Erasures";
import { Ledger } from "./Ledger";
import { Log } from "./Log";
import { PendingOptIns } from "./PendingOptIns";
import { PersonalDataMap } from "./PersonalDataMap";
import { Reachable } from "./Reachable";
import { Retention } from "./Retention";

const PLACES = [["consents", Consents], ["erasures", Erasures], ["data", Data]] as const;

export default function Privacy() {
  const { t } = useTranslation();
  const go = useNavigate();
  const asked = useParams()["*"];
  const isAdmin = useMay("admin");
  const places = PLACES.filter(([name]) => isAdmin || name === "consents");
  const [place] = places.find(([name]) => name === asked) ?? PLACES[0];
  return (
    <Page title={t("nav.privacy")}>
      <Tabs value={place} onChange={(next) => void go(`/privacy/${next}`)} keepMounted={false}>
        <Tabs.List mb="md" style={{ flexWrap: "nowrap", overflowX: "auto" }}>
          {places.map(([name]) => <Tabs.Tab key={name} value={name}>{t(`privacy.${name}`)}</Tabs.Tab>)}
        </Tabs.List>
        {places.map(([name, Panel]) => <Tabs.Panel key={name} value={name}><Panel /></Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}

function Consents() {
  return (
    <Stack>
      <Reachable />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 5 }}><Ledger /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 7 }}><PendingOptIns /></Grid.Col>
      </Grid>
      <Log />
    </Stack>
  );
}

function Data() {
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 7 }}><PersonalDataMap /></Grid.Col>
      <Grid.Col span={{ base: 12, md: 5 }}><Stack><Retention /><Accesses /></Stack></Grid.Col>
    </Grid>
  );
}
