import { Group, Paper, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Loaded } from "../../parts/states";
import { TagChip } from "../../parts/TagChip";
import { Allergens, BadgeLines, Badges } from "../guest/Badges";
import { useDossier } from "../guest/dossier";

/** What a host has to know before the guest has taken off the coat. */
export function Glance({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const dossier = useDossier(id);
  return (
    <Paper p="lg" shadow="sm">
      <Loaded query={dossier} lines={5}>
        {(known) => {
          const { profile, badges, health_needs, venues, preferences, notes, tags, lifetime } = known;
          const liked = preferences.filter((one) => one.kind === "favourite_product").slice(0, 3);
          const table = preferences.find((one) => one.kind === "table" || one.kind === "seating");
          const last = venues[0];
          return (
            <Stack gap="sm">
              <Group justify="space-between" align="flex-start">
                <div className="grows">
                  <Link to={`/guests/${profile.customer_id}`}><Text component="span" fz={26} fw={700} c="var(--mantine-color-text)">{profile.name ?? t("guest.unnamed")}</Text></Link>
                  <Text c="dimmed" className="tabular">{profile.phone ?? profile.email}</Text>
                </div>
                <Badges badges={badges} large />
              </Group>
              <Allergens needs={health_needs} />
              <BadgeLines dossier={known} />
              <Group gap="xl">
                <Fact name={t("guest.lastVisit")}>{last ? format.daysAgo(last.days_since_last_order) : "–"}</Fact>
                <Fact name={t("guests.visits")}>{format.number(lifetime.reduce((sum, one) => sum + one.total_visits, 0))}</Fact>
                {lifetime.map((one) => <Fact key={one.currency} name={t("guests.spend")}>{format.money(one.total_spent, one.currency)}</Fact>)}
                {table && <Fact name={t("guest.usualTable")}>{table.name ?? table.value}</Fact>}
                {liked.length > 0 && <Fact name={t("guest.likes")}>{liked.map((one) => one.name ?? one.value).join(", ")}</Fact>}
              </Group>
              {tags.length > 0 && <Group gap={6}>{tags.map((tag) => <TagChip key={tag.tag_id} {...tag} />)}</Group>}
              {notes.filter((note) => note.pinned).map((note) => <Text key={note.note_id} size="sm" fs="italic">“{note.body}”</Text>)}
            </Stack>
          );
        }}
      </Loaded>
    </Paper>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return <div><Text size="xs" c="dimmed">{name}</Text><Text fw={600} className="tabular">{children}</Text></div>;
}
