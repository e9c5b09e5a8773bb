import { Tabs } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import { Page } from "../../parts/Page";
import { useMay } from "../../shell/session";
import { Bindings } from "./Bindings";
import { Jobs } from "./Jobs";
import { Keys } from "./Keys";
import { Tags } from "./Tags";
import { Thresholds } from "./Thresholds";

const PLACES = [["venue", Thresholds], ["tags", Tags], ["jobs", Jobs], ["bindings", Bindings], ["keys", Keys]] as const;

export default function Settings() {
  const { t } = useTranslation();
  const go = useNavigate();
  const asked = useParams()["*"];
  const isAdmin = useMay("admin");
  const places = PLACES.filter(([name]) => isAdmin || (name !== "bindings" && name !== "keys"));
  const [place] = places.find(([name]) => name === asked) ?? PLACES[0];
  return (
    <Page title={t("nav.settings")}>
      <Tabs value={place} onChange={(next) => void go(`/settings/${next}`)} keepMounted={false}>
        <Tabs.List mb="md" style={{ flexWrap: "nowrap", overflowX: "auto" }}>
          {places.map(([name]) => <Tabs.Tab key={name} value={name}>{t(`settings.${name}`)}</Tabs.Tab>)}
        </Tabs.List>
        {places.map(([name, Panel]) => <Tabs.Panel key={name} value={name}><Panel /></Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}
