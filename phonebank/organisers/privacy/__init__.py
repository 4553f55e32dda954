"""The pages about people's data. Organisers can download or erase one person's data. They can also
see who saw whose data, and what organisers did."""
