"""The pages about people's data: downloading or erasing one person's data, who saw whose data, and
what organisers did."""
