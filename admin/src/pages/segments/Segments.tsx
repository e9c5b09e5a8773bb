import { Badge, Box, Button, Group, Menu, Paper, Stack, Text } from "@mantine/core";
import { IconChevronDown, IconFilterHeart, IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { api, data, type Schema } from "../../api/client";
import { KEPT } from "../../api/queries";
import { useFormat } from "../../parts/format";
import { LabelBadge } from "../../parts/LabelBadge";
import { useSegments } from "../../parts/lists";
import { Page } from "../../parts/Page";
import { Empty, Loaded } from "../../parts/states";
import { useSentences } from "./sentences";
import { Spark } from "./Spark";

export default function Segments() {
  const { t } = useTranslation();
  const segments = useSegments();
  return (
    <Page title={t("nav.segments")} actions={<Make />}>
      <Loaded query={segments} lines={8}>
        {(all) => {
          const own = all.filter((segment) => !segment.is_system);
          return (
            <Stack gap="lg">
              {own.length === 0 ? <Paper><Empty title={t("segments.none")} icon={<IconFilterHeart aria-hidden />}>{t("segments.noneHint")}</Empty></Paper> : <List segments={own} />}
              <div>
                <Text component="h2" fw={650} mb="xs">{t("segments.system")}</Text>
                <List segments={all.filter((segment) => segment.is_system)} />
              </div>
            </Stack>
          );
        }}
      </Loaded>
    </Page>
  );
}

function List({ segments }: { segments: Schema["Segment"][] }) {
  const { t } = useTranslation();
  const sentences = useSentences();
  const format = useFormat();
  return (
    <Stack gap="xs">
      {segments.map((segment) => (
        <Link key={segment.segment_id} to={`/segments/${segment.segment_id}`} className="linked">
          <Paper p="sm">
            <Group justify="space-between" wrap="nowrap">
              <div className="grows">
                <Group gap="xs">
                  <Text fw={600}>{segment.name}</Text>
                  {segment.is_system && <LabelBadge label={segment.key.toUpperCase()} />}
                  {segment.venue_id == null && <Badge variant="default">{t("segments.organisation")}</Badge>}
                </Group>
                <Text size="sm" c="dimmed" lineClamp={2}>{sentences.of(segment.criteria, segment.sentence)}</Text>
              </div>
              <Box visibleFrom="xs"><Spark id={segment.segment_id} of={segment.name} /></Box>
              <div style={{ textAlign: "right" }}>
                <Text fw={650} fz="lg" className="tabular">{format.number(segment.members)}</Text>
                <Text size="xs" c="dimmed">{segment.computed_at ? format.since(segment.computed_at) : t("segments.pending")}</Text>
              </div>
            </Group>
          </Paper>
        </Link>
      ))}
    </Stack>
  );
}

function Make() {
  const { t } = useTranslation();
  const go = useNavigate();
  const templates = useQuery({ queryKey: ["templates"], ...KEPT, queryFn: async () => (await data(api.GET("/v1/segments/templates"))).items });
  return (
    <Group gap={0}>
      <Button leftSection={<IconPlus size={16} />} onClick={() => void go("/segments/new")} style={{ borderTopRightRadius: 0, borderBottomRightRadius: 0 }}>{t("segments.make")}</Button>
      <Menu width={320} position="bottom-end">
        <Menu.Target><Button px={8} ml={1} aria-label={t("segments.templates")} style={{ borderTopLeftRadius: 0, borderBottomLeftRadius: 0 }}><IconChevronDown size={16} /></Button></Menu.Target>
        <Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
          <Menu.Label>{t("segments.templates")}</Menu.Label>
          {templates.data?.filter((one) => !one.system).map((one) => <Menu.Item key={one.key} onClick={() => void go(`/segments/new?template=${one.key}`)}>{one.name}</Menu.Item>)}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
