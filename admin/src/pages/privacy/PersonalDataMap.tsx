import { Button, Group, NativeSelect, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, data, type Schema } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Mark } from "../../parts/Mark";
import { Card, Empty, Loaded } from "../../parts/states";

type Column = Schema["MappedColumn"];
const CLASSES = ["personal", "health", "derived", "key", "kept"] as const;
type Class = (typeof CLASSES)[number];
const MARKS = { personal: "bad", health: "bad", derived: "busy", key: "plain", kept: "good" } as const;
const STEP = 25;

/** Every column that can hold something personal: what it holds, and what becomes of it when a guest is erased. */
export function PersonalDataMap() {
  const { t } = useTranslation();
  const problems = useQuery({ queryKey: ["pii-map", "check"], queryFn: async ({ signal }) => (await data(api.GET("/v1/pii-map/check", { signal }))).items });
  const columns = useQuery({ queryKey: ["pii-map"], queryFn: async ({ signal }) => (await data(api.GET("/v1/pii-map", { signal }))).items });
  return (
    <Card title={t("privacy.map")}>
      <Stack gap="sm">
        <Loaded query={problems} lines={1}>
          {(found) => found.length === 0 ? <div><Mark as="good">{t("privacy.mapComplete")}</Mark></div> : (
            <Stack gap={4}>{found.map((one, n) => <Text key={n} size="sm" className="breaks"><b>{[one.relation, one.column_name].filter(Boolean).join(".")}</b>: {one.problem}</Text>)}</Stack>
          )}
        </Loaded>
        <Loaded query={columns} lines={6}>{(all) => <Columns all={all.toSorted((a, b) => CLASSES.indexOf(a.class as Class) - CLASSES.indexOf(b.class as Class))} />}</Loaded>
      </Stack>
    </Card>
  );
}

function Columns({ all }: { all: Column[] }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const [search, setSearch] = useState("");
  const [of, setClass] = useState("");
  const [place, setPlace] = useState("");
  const [shown, setShown] = useState(STEP);
  const found = all.filter((one) => (!of || one.class === of) && (!place || one.place === place) && `${one.relation}.${one.column_name} ${one.treatment}`.includes(search.trim().toLowerCase()));
  const filter = (set: (value: string) => void) => (event: { currentTarget: { value: string } }) => {
    set(event.currentTarget.value);
    setShown(STEP);
  };
  /** A treatment has a value behind its colon, which is not translated. */
  const treated = (treatment: string) => {
    const [name, ...rest] = treatment.split(":");
    const said = i18n.exists(`privacy.treatment.${name}`) ? t(`privacy.treatment.${name}` as "privacy.treatment.keep") : name;
    return name === "constant" ? `${said} (${rest.join(":")})` : said;
  };
  return (
    <>
      <Group gap="sm" align="flex-end" role="search">
        <TextInput size="xs" label={t("privacy.mapSearch")} value={search} onChange={filter(setSearch)} />
        <NativeSelect size="xs" label={t("privacy.holds")} value={of} onChange={filter(setClass)} data={[{ value: "", label: t("privacy.anything") }, ...CLASSES.map((value) => ({ value, label: t(`privacy.class.${value}`) }))]} />
        <NativeSelect size="xs" label={t("privacy.where")} value={place} onChange={filter(setPlace)} data={[{ value: "", label: t("privacy.everywhere") }, { value: "crm", label: "CRM" }, { value: "platform", label: t("privacy.platform") }]} />
      </Group>
      <Text size="xs" c="dimmed" role="status">{t("privacy.columns", { count: found.length, n: format.number(found.length), all: format.number(all.length) })}</Text>
      {found.length === 0 ? <Empty title={t("privacy.noColumn")} /> : (
        <div className="scrolls" tabIndex={0}>
          <table className="plain">
            <thead><tr><th scope="col">{t("privacy.column")}</th><th scope="col">{t("privacy.holds")}</th><th scope="col">{t("privacy.atErasure")}</th></tr></thead>
            <tbody>
              {found.slice(0, shown).map((one) => (
                <tr key={`${one.relation}.${one.column_name}`}>
                  <td className="breaks"><Text size="xs" c="dimmed" component="div">{one.relation}</Text><b>{one.column_name}</b></td>
                  <td><Mark as={MARKS[one.class as keyof typeof MARKS] ?? "plain"}>{i18n.exists(`privacy.class.${one.class}`) ? t(`privacy.class.${one.class}` as "privacy.class.key") : one.class}</Mark></td>
                  <td className="breaks">{treated(one.treatment)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > shown && <Button size="xs" w="fit-content" variant="default" onClick={() => setShown(shown + 4 * STEP)}>{t("state.more")}</Button>}
    </>
  );
}
