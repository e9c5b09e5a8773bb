import { Anchor, Collapse, Group, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, data } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Empty, Loaded } from "../../parts/states";
import { Why } from "../segments/Why";

/** The segments a guest is in, each with its criteria and what he has there. */
export function MemberOf({ id }: { id: string }) {
  const { t } = useTranslation();
  const query = useQuery({
    queryKey: ["guest", id, "segments"],
    queryFn: async ({ signal }) => (await data(api.GET("/v1/customers/{id}/segments", { params: { path: { id } }, signal }))).items,
  });
  return (
    <Loaded query={query}>
      {(segments) =>
        segments.length === 0 ? <Empty title={t("guest.noSegments")} /> : (
          <Stack gap="xs">{segments.map((segment) => <Member key={`${segment.segment_id}${segment.venue_id}`} id={id} segment={segment} />)}</Stack>
        )
      }
    </Loaded>
  );
}

interface Membership { segment_id: number; name: string; since?: string | null; cause?: string | null }

function Member({ id, segment }: { id: string; segment: Membership }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [open, setOpen] = useState(false);
  const Chevron = open ? IconChevronDown : IconChevronRight;
  return (
    <div>
      <Group justify="space-between" wrap="nowrap">
        <UnstyledButton aria-expanded={open} onClick={() => setOpen(!open)}>
          <Group gap={6} wrap="nowrap"><Chevron size={16} aria-hidden /><Text size="sm" fw={600}>{segment.name}</Text><Text size="xs" c="dimmed">{t("guest.why")}</Text></Group>
        </UnstyledButton>
        <Group gap="sm">
          {segment.since && <Text size="xs" c="dimmed">{t("guest.since", { day: format.dayOf(segment.since) })}</Text>}
          <Anchor size="sm" component={Link} to={`/segments/${segment.segment_id}`}>{t("guest.open")}</Anchor>
        </Group>
      </Group>
      <Collapse expanded={open}>{open && <Why segment={segment.segment_id} customer={id} />}</Collapse>
    </div>
  );
}
